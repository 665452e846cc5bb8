import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPublic } from './check-public.ts';
import { publicCodes } from './codes.ts';
import type { PublicFacts } from './facts.ts';

const ready: PublicFacts = {
  file: '/app.py',
  readModule: () => undefined,
  auth: () => undefined,
  hasLicence: true,
  hasThumbnail: true,
};

const source = `import fal
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field


class Input(BaseModel):
    prompt: str = Field(description="What to paint.", examples=["a cat"], max_length=500)
    steps: int = Field(default=20, ge=1, le=50, description="How often.")
    seed: int | None = Field(default=None, description="For the same picture again.")


class Output(BaseModel):
    image_url: str = Field(description="The picture.")


class Painter(fal.App):
    app_auth = "shared"

    @fal.endpoint("/health", health_check=fal.HealthCheck())
    def health(self) -> dict:
        return {}

    @fal.endpoint("/")
    def paint(self, input: Input, response: Response) -> Output:
        """Paints."""
        response.headers["x-fal-billable-units"] = "1"
        return Output(image_url="")

    @fal.endpoint("/stream")
    def stream(self, input: Input, request: Request) -> StreamingResponse:
        return StreamingResponse(iter(()))
`;

const codes = (text: string, facts: Partial<PublicFacts> = {}) =>
  checkPublic(text, undefined, { ...ready, ...facts }).map(({ code }) => code);
const without = (text: string, by = '') => {
  expect(source).toContain(text);
  return source.replace(text, by);
};

it('nothing is lacking in an app that is ready', () => {
  expect(checkPublic(source, undefined, ready)).toEqual([]);
});

describe('what is lacking', () => {
  it.each<[keyof typeof publicCodes, string, Partial<PublicFacts>?]>([
    ['public-auth', without('    app_auth = "shared"\n')],
    ['public-auth', without('"shared"', '"private"')],
    ['public-auth', source, { auth: () => 'private' }],
    ['public-billing', without('x-fal-billable-units', 'x-other')],
    ['public-health', without('"/health", health_check=fal.HealthCheck()', '"/other"').replace('-> dict', '-> Output')],
    ['public-about', without('        """Paints."""\n')],
    ['public-licence', source, { hasLicence: false }],
    ['public-thumbnail', source, { hasThumbnail: false }],
    ['public-schema', without('def paint(self, input: Input', 'def paint(self, input: dict')],
    ['public-schema', without('def paint(self, input: Input', 'def paint(self, prompt: str')],
    ['public-schema', without('-> Output:', '-> dict[str, str]:')],
    ['public-examples', without(', examples=["a cat"]')],
    ['public-descriptions', without('description="What to paint.", ')],
    ['public-descriptions', without(' = Field(description="The picture.")')],
    ['public-limits', without(', max_length=500')],
    ['public-limits', without(', le=50')],
    ['public-limits', without('seed: int | None', 'size: int | None')],
    ['public-limits', without('seed: int | None', 'sizes: list[int]')],
  ])('%s is found', (code, text, facts) => {
    expect(codes(text, facts)).toEqual([code]);
  });

  it('has tests for every code', () => {
    const text = readFileSync(import.meta.filename, 'utf8');
    for (const code of Object.keys(publicCodes)) expect(text).toContain(`['${code}', `);
  });
});

describe('what is not lacking', () => {
  it.each<[string, string, Partial<PublicFacts>?]>([
    ['a mode of pyproject.toml', without('    app_auth = "shared"\n'), { auth: () => 'shared' }],
    ['a computed mode', without('"shared"', 'MODE')],
    ['units of an app that its owner pays for', without('x-fal-billable-units', 'a').replace('"shared"', '"public"')],
    ['hidden fields', without('    steps:', '    trick: int = Hidden(Field(default=1))\n    steps:')],
    ['settings of a model', without('    steps:', '    model_config = {}\n    kinds: ClassVar[int] = 1\n    steps:')],
    [
      'a limit in Annotated',
      without('seed: int | None = Field(default=None,', 'size: Annotated[int, Field(le=3,').replace(
        'again.")',
        'again.")] = 1',
      ),
    ],
    [
      'examples of a whole model',
      without(', examples=["a cat"]').replace(
        '    steps:',
        '    model_config = {"json_schema_extra": {"examples": [{"prompt": "a cat"}]}}\n    steps:',
      ),
    ],
    ['a type that nobody knows', without('def paint(self, input: Input', 'def paint(self, input: elsewhere.Input')],
    ['what an app has from its base', `${source}\nclass Other(Painter): ...\n`],
  ])('%s', (_what, text, facts) => {
    expect(codes(text, facts)).toEqual([]);
  });
});

it('models of other files, and of their bases, are looked at', () => {
  const files: { readonly [module: string]: string } = {
    models: 'from base import Base\nclass Input(Base):\n    prompt: str\n',
    base: 'from models import Input\nfrom pydantic import BaseModel\nclass Base(BaseModel):\n    size: int = 1\n',
  };
  const text = without(source.slice(source.indexOf('class Input'), source.indexOf('class Output'))).replace(
    'from pydantic',
    'from models import Input\nfrom pydantic',
  );
  const readModule = (module: string) => {
    const found = files[module];
    return found === undefined ? undefined : { file: `/${module}.py`, text: found };
  };
  const found = checkPublic(text, undefined, { ...ready, readModule });
  expect(found.map(({ code }) => code).sort()).toEqual(['public-descriptions', 'public-examples', 'public-limits']);
  const limits = found.find(({ code }) => code === 'public-limits');
  expect(limits?.message).toMatch(/^Input\.size, Input\.prompt have no upper limits\./);
  expect(text.slice(limits?.from, limits?.to)).toBe(': Input');
});

it('any text is checked without an exception, and findings are inside it', () => {
  const parts = source.split(/(?<=[\s(,=:])/);
  fc.assert(
    fc.property(fc.shuffledSubarray(parts), (some) => {
      const text = `import fal\n${some.join('')}`;
      for (const { from, to } of checkPublic(text, undefined, ready)) expect(from < to && to <= text.length).toBe(true);
    }),
    { numRuns: process.env.MINIFAL_SLOW ? 5_000 : 200 },
  );
});

it.each(['hello', 'ocr', 'text-to-image'])('the template %s lacks only what its author has to decide', (name) => {
  const path = join(import.meta.dirname, '..', '..', '..', '..', 'templates', name, 'app.py');
  const found = codes(readFileSync(path, 'utf8'));
  expect(found).not.toContain('public-schema');
  expect(found).not.toContain('public-examples');
  expect(found).not.toContain('public-limits');
});

it('looks at each class once, however many classes derive from it', () => {
  const bases = (n: number) => (n === 0 ? 'BaseModel' : ['a', 'b', 'c', 'd'].map((one) => `${one}${n - 1}`).join(', '));
  const layer = (n: number) =>
    ['a', 'b', 'c', 'd'].map((one) => `class ${one}${n}(${bases(n)}):\n    ${one}${n}: int\n`);
  const layers = Array.from({ length: 12 }, (_, n) => layer(n).join('')).join('');
  const text = without('class Input(BaseModel):', `${layers}\nclass Input(a11, b11, Input):`);
  const found = checkPublic(text, undefined, ready).find(({ code }) => code === 'public-examples');
  expect(found?.message).toContain('Input.a0, ');
});
