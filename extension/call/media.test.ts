import { expect, it } from 'vitest';
import type { Json } from './json.ts';
import { contentTypeOf, mediaIn } from './media.ts';

it.each([
  [{ image: { url: 'https://x.y/f/a.png', content_type: 'image/png' } }, ['a.png']],
  [{ images: [{ url: 'http://localhost:1/files/cdn/1/b', content_type: 'image/webp', file_name: null }] }, ['b.webp']],
  [{ file: { url: 'https://x.y/f/1', content_type: 'text/csv', file_name: 'table.csv' } }, ['table.bin']],
  [{ url: 'https://x.y/1', content_type: 'Image/JPEG; q=1' }, ['1.jpg']],
  [{ audio: 'https://x.y/a/sound.mp3?token=1', page: 'https://x.y/about' }, ['sound.mp3']],
  [['data:video/mp4;base64,AAAA', 'data:,x', 'no', 3, null], ['result.mp4']],
  [{ url: 'https://x.y/..%2F..%2Fetc%2Fp.png' }, ['_.._etc_p.png']],
  [{ url: 'file:///etc/passwd.png', content_type: 'image/png' }, []],
  [{ url: 'command:x', content_type: 'image/png' }, []],
])('the files in %j are %j', (answer, names) => {
  expect(mediaIn(answer as Json).map(({ name }) => name)).toEqual(names);
});

it('are few and not deep, whatever an app answers', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => `https://x.y/${index}.png`);
  expect(mediaIn(many)).toHaveLength(100);
  let deep: Json = 'https://x.y/a.png';
  for (let level = 0; level < 5_000; level++) deep = [deep];
  expect(mediaIn(deep)).toEqual([]);
});

it('knows the type of a file by its name', () => {
  expect(['a.PNG', 'b.mp3', 'c.mov', 'd'].map(contentTypeOf)).toEqual([
    'image/png',
    'audio/mpeg',
    'video/quicktime',
    'application/octet-stream',
  ]);
});
