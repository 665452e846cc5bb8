import { expect, it } from 'vitest';
import { filesIn, withUrls } from './input-files.ts';
import type { JsonObject } from './json.ts';

const schema: JsonObject = {
  properties: {
    image_url: { type: 'string' },
    picture: { anyOf: [{ type: 'string', ui: { field: 'image' } }, { type: 'null' }] },
    frames: { type: 'array', items: { $ref: '#/components/schemas/Frame' } },
    page: { type: 'string', format: 'uri' },
    prompt: { type: 'string' },
    part: {
      anyOf: [
        { oneOf: [{ $ref: '#/components/schemas/Text' }, { $ref: '#/components/schemas/Shot' }] },
        { type: 'null' },
      ],
    },
    shots: { anyOf: [{ type: 'array', items: { $ref: '#/components/schemas/Shot' } }, { type: 'null' }] },
    named: { type: 'object', additionalProperties: { type: 'string', format: 'data-uri' } },
    endless: { $ref: '#/components/schemas/Endless' },
  },
  components: {
    schemas: {
      Frame: { type: 'object', properties: { mask_url: { type: 'string' } } },
      Text: { type: 'object', properties: { text: { type: 'string' } } },
      Shot: { type: 'object', properties: { shot: { allOf: [{ type: 'string', ui: { field: 'image' } }] } } },
      Endless: { anyOf: [{ $ref: '#/components/schemas/Endless' }, { $ref: '#/components/schemas/Endless' }] },
    },
  },
};

it.each([
  [{ image_url: 'img/cat.png' }, ['img/cat.png']],
  [{ image_url: 'https://x.y/cat.png', picture: 'data:image/png;base64,AA==' }, []],
  [{ picture: './cat.png', page: 'index.html' }, ['./cat.png', 'index.html']],
  [{ frames: [{ mask_url: 'a.png' }, { mask_url: 'b.png' }] }, ['a.png', 'b.png']],
  [{ prompt: 'cat.png', other: ['x.png'] }, []],
  [{ part: { shot: 'a.png', text: 'b.png' } }, ['a.png']],
  [{ shots: [{ shot: 'a.png' }], named: { one: 'b.png' } }, ['a.png', 'b.png']],
  [{ endless: { shot: 'a.png' } }, []],
  [{ prompt: 'file:cat.png' }, ['cat.png']],
  [{ other: { deep: ['file:///tmp/a b.png'] } }, ['/tmp/a b.png']],
  [{ image_url: '', prompt: 'file:' }, []],
  [{ prompt: 'File: the report. Sum it up.' }, []],
  [{ image_url: 'file:///tmp/a%20b.png', other: 'file:///tmp/100%.png' }, ['/tmp/a b.png', '/tmp/100%.png']],
  [{ image_url: 'file:a%20b.png' }, ['a%20b.png']],
])('the files in %j are %j', (input, paths) => {
  expect(filesIn(input, schema).map(({ path }) => path)).toEqual(paths);
});

it('needs no schema for those that are written as file:', () => {
  expect(filesIn({ a: 'file:cat.png', b: 'cat.png' })).toEqual([
    { value: 'file:cat.png', path: 'cat.png', isExplicit: true },
  ]);
});

it('replaces them wherever they are, and nothing else', () => {
  const input = { a: 'file:cat.png', b: [{ c: 'file:cat.png', d: 'cat.png' }], n: 1, none: null };
  expect(withUrls(input, new Map([['file:cat.png', 'http://u']]))).toEqual({
    a: 'http://u',
    b: [{ c: 'http://u', d: 'cat.png' }],
    n: 1,
    none: null,
  });
});
