import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { pythonTools } from '../../test/support/python.ts';
import { exampleOf } from './example.ts';
import { isObject, type JsonObject } from './json.ts';
import { documentText, operationsOf } from './openapi.ts';

const source = `
import json
import fal
from fal.toolkit import Image
from pydantic import BaseModel, Field
from typing import Literal, Optional

class Size(BaseModel):
    width: int = Field(ge=64)
    height: int = 512

class Input(BaseModel):
    prompt: str = Field(description="What to say", examples=["a cat on a bike"])
    steps: int = Field(4, ge=1, le=50, description="1 to 50")
    size: Size
    image_url: Optional[str] = Field(None, description="An image")
    style: Literal["photo", "drawing"]
    tags: list[str]

class Answer(BaseModel):
    text: str

class Painter(fal.App):
    @fal.endpoint("/")
    def fast(self, input: Input) -> Answer: ...

    @fal.endpoint("/bare")
    def bare(self) -> Answer: ...

print(json.dumps(Painter(_allow_init=True).openapi()))
`;

/** What the SDK itself says about an app. */
async function openapi(text = source): Promise<JsonObject> {
  const { python } = await pythonTools();
  return JSON.parse(execFileSync(python, ['-c', text], { encoding: 'utf8' }));
}

describe('the endpoints of an app', () => {
  it('are those of the document that the SDK makes of it', async () => {
    const operations = operationsOf(await openapi());
    expect(operations.map(({ method, path, input }) => [method, path, input !== undefined])).toEqual([
      ['POST', '/', true],
      ['POST', '/bare', false],
    ]);
    const [main] = operations;
    expect(JSON.parse(documentText('fal-call:/app.py::Painter', main?.input))).toEqual({
      $schema: 'fal-call:/app.py::Painter',
      prompt: 'a cat on a bike',
      steps: 4,
      size: { width: 64, height: 512 },
      style: 'photo',
      tags: [],
    });
    expect(documentText('fal-call:/app.py::Painter/bare', undefined)).toBe(
      '{\n  "$schema": "fal-call:/app.py::Painter/bare"\n}\n',
    );
    // The editor reads descriptions and limits in it.
    const properties = isObject(main?.input) ? main.input.properties : undefined;
    expect(properties).toMatchObject({
      $schema: { type: 'string' },
      prompt: { description: 'What to say' },
      steps: { minimum: 1, maximum: 50 },
    });
  });

  it('leave out what only a WebSocket reaches, and keep an endpoint at a path of the SDK', async () => {
    const text = source
      .replace(
        'Answer: ...',
        'Answer: ...\n\n    @fal.realtime("/live")\n    def live(self, input: Input) -> Answer: ...',
      )
      .replace('"/bare"', '"/health"');
    expect(operationsOf(await openapi(text)).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /',
      'POST /health',
    ]);
  });

  it('take the parameters of a method that FastAPI reads from the query', async () => {
    const text = source.replace('def bare(self)', 'def bare(self, prompt: str, steps: int = 4)');
    const [, bare] = operationsOf(await openapi(text));
    expect(bare?.query).toEqual(['prompt', 'steps']);
    expect(exampleOf(bare?.input ?? {})).toEqual({ prompt: '', steps: 4 });
  });

  it('take the parts of the path, and a body that is a list', async () => {
    const text = source
      .replace('"/bare"', '"/items/{id}"')
      .replace('def bare(self)', 'def bare(self, id: int, input: list[int])');
    const [, items] = operationsOf(await openapi(text));
    expect(items?.path).toBe('/items/{id}');
    expect(JSON.parse(documentText('a', items?.input))).toEqual({ $schema: 'a', id: 0, $body: [] });
    expect(items).toMatchObject({ query: [], both: [], input: { required: ['$body', 'id'] } });
  });

  it('have an example of one alternative, not of all', async () => {
    const text = source.replace('input: Input', 'input: Union[Offer, Stop]').replace(
      'class Answer',
      `class Offer(BaseModel, extra="forbid"):
    kind: Literal["offer"]
    sdp: str

class Stop(BaseModel, extra="forbid"):
    kind: Literal["stop"]
    after: int

class Answer`,
    );
    const [main] = operationsOf(await openapi(text.replace('Literal, Optional', 'Literal, Optional, Union')));
    expect(exampleOf(main?.input ?? {})).toEqual({ kind: 'offer', sdp: '' });
  });

  it.each([undefined, null, 3, {}, { paths: [] }, { paths: { '/': 1 } }, { paths: { '/': { post: [] } } }])(
    'of %j are none',
    (document) => expect(operationsOf(document as never)).toEqual([]),
  );

  it('may have a body that refers to nothing, or is a form', () => {
    const post = (content: JsonObject) => ({ paths: { '/': { post: { requestBody: { content } } } } });
    const lost = operationsOf(post({ 'application/json': { schema: { $ref: '#/components/schemas/Gone' } } }));
    expect(lost[0]?.input).toMatchObject({ properties: { $schema: {} } });
    const form = operationsOf(post({ 'multipart/form-data': { schema: { type: 'object' } } }));
    expect(form[0]?.input).toBeUndefined();
  });
});

describe('an example', () => {
  it('takes the alternative that ends where another one leads back', () => {
    const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    const object = (properties: JsonObject) => ({ type: 'object', properties, required: Object.keys(properties) });
    const schemas = {
      Expression: { oneOf: [ref('Product'), ref('Literal')] },
      Product: object({ left: ref('Expression'), right: ref('Expression') }),
      Literal: object({ value: { type: 'number' } }),
    };
    const schema = { ...object({ input: ref('Expression') }), components: { schemas } };
    expect(exampleOf(schema)).toEqual({ input: { left: { value: 0 }, right: { value: 0 } } });
  });

  it('ends where a schema refers to itself', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/components/schemas/Node' } }, required: ['next'] };
    expect(exampleOf({ ...node, components: { schemas: { Node: node } } })).toHaveProperty('next.next.next');
    const names = Array.from({ length: 30 }, (_, index) => `n${index}`);
    const ref = { $ref: '#/components/schemas/Wide' };
    const wide = { type: 'object', properties: Object.fromEntries(names.map((name) => [name, ref])), required: names };
    const text = JSON.stringify(exampleOf({ ...wide, components: { schemas: { Wide: wide } } }));
    expect(text.length).toBeLessThan(2_000_000);
    const many = { allOf: Array.from({ length: 4 }, () => ({ anyOf: [{ $ref: '#/components/schemas/Many' }] })) };
    expect(exampleOf({ ...many, components: { schemas: { Many: many } } })).toEqual({});
    const loop = { $ref: '#/components/schemas/A' };
    expect(exampleOf({ ...loop, components: { schemas: { A: loop } } })).toEqual({});
  });

  it.each([
    [{ type: 'integer', exclusiveMinimum: 0 }, 1],
    [{ type: ['null', 'string'] }, ''],
    [{ anyOf: [{ type: 'null' }, { type: 'boolean' }] }, false],
    [{ type: 'array', items: { enum: ['a', 'b'] }, minItems: 1 }, ['a']],
    [{ const: 'x' }, 'x'],
    [{ type: 'object', properties: { a: { default: null }, b: { type: 'string' } } }, {}],
    // pydantic's `Optional[Literal["a"]] = None`: the app's own default is kept.
    [{ type: 'object', properties: { a: { anyOf: [{ enum: ['a'] }, { type: 'null' }] } } }, {}],
    [{ type: 'object', properties: { a: { anyOf: [{ enum: ['a'] }, { type: 'null' }], default: 'b' } } }, { a: 'b' }],
    [{ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, 0.5],
    [{ type: 'integer', exclusiveMaximum: 0 }, -1],
    [{ type: 'integer', minimum: 10, multipleOf: 8 }, 16],
    [{ type: 'string', minLength: 2 }, '..'],
    [{ type: 'array', minItems: 2, prefixItems: [{ type: 'integer' }, { type: 'string' }] }, [0, '']],
    [{ type: 'array', minItems: 2, items: { type: 'boolean' } }, [false, false]],
    [{ allOf: [{ properties: { a: { default: 1 } } }, { properties: { b: { default: 2 } } }] }, { a: 1, b: 2 }],
  ] as const)('of %j is %j', (schema, value) => expect(exampleOf(schema as JsonObject)).toEqual(value));

  it('has the default next to a reference that was followed before', () => {
    const components = { schemas: { Style: { type: 'string' } } };
    const style = { $ref: '#/components/schemas/Style' };
    const look = { allOf: [style, { ...style, default: 'oil' }] };
    const schema: JsonObject = { type: 'object', required: ['look'], properties: { look }, components };
    expect(exampleOf(schema)).toEqual({ look: 'oil' });
  });
});

describe('a schema that refers to itself many times', () => {
  const textOf = (schema: JsonObject) => {
    const content = { 'application/json': { schema: { $ref: '#/components/schemas/A' } } };
    const api = { paths: { '/': { post: { requestBody: { content } } } }, components: { schemas: { A: schema } } };
    return documentText('fal-call:/@a', operationsOf(api)[0]?.input);
  };
  const self = { $ref: '#/components/schemas/A' };
  const names = Array.from({ length: 30 }, (_, index) => `q${index}`);

  it.each<[string, JsonObject]>([
    [
      'in all of its parts',
      {
        ...{ type: 'object', allOf: Array.from({ length: 50 }, () => self), required: names },
        properties: Object.fromEntries(names.map((name) => [name, self])),
      },
    ],
    [
      'in its items',
      {
        ...{ type: 'object', required: ['c'] },
        properties: { c: { type: 'array', prefixItems: Array.from({ length: 3_000 }, () => self) } },
      },
    ],
  ])('%s has an example of limited size', (_, schema) => {
    expect(textOf(schema).length).toBeLessThan(1_000_000);
  });

  it('is read only so often', () => {
    let reads = 0;
    const names = Array.from({ length: 1_000 }, (_, index) => `p${index}`);
    const properties = new Proxy<JsonObject>(Object.fromEntries(names.map((name) => [name, self])), {
      get(all, name: string) {
        reads++;
        return all[name];
      },
    });
    const parts = Array.from({ length: 50 }, (_, index) => [`B${index}`, { type: 'object', properties }] as const);
    const allOf = parts.map(([name]) => ({ $ref: `#/components/schemas/${name}` }));
    const schemas = { A: { type: 'object', allOf, required: ['p1', 'p2'] }, ...Object.fromEntries(parts) };
    exampleOf({ ...self, components: { schemas } });
    expect(reads).toBeLessThan(500_000);
  });
});
