import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPython } from './check.ts';
import { checkCodes } from './codes.ts';
import { examples, expectedIn } from './testing/examples.ts';
import { applied, plantedFacts as facts, planted } from './testing/planted.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const lineOf = (text: string, at: number) => text.slice(0, at).split('\n').length - 1;

describe('planted mistakes', () => {
  it.each(planted)('$what: $code is found at its line', ({ code, source, fix }) => {
    const found = checkPython(source, facts);
    const at = source.split('\n').findIndex((line) => line.endsWith('# here'));
    expect(found.map((one) => [one.code, lineOf(source, one.from)])).toEqual([[code, at]]);
    expect(found[0]?.fixes[0]?.title).toBe(fix);
  });

  it.each(planted.filter(({ fix }) => fix !== undefined))('$what: each quick fix leaves nothing to find', (mistake) => {
    for (const { edits } of checkPython(mistake.source, facts)[0]?.fixes ?? []) {
      expect(checkPython(applied(mistake.source, edits), facts)).toEqual([]);
    }
  });

  it('cover every code', () => {
    expect([...new Set(planted.map(({ code }) => code))].sort()).toEqual(Object.keys(checkCodes).sort());
  });
});

describe('ways of writing of fal’s own examples', () => {
  it.each(examples)('$from: $what', ({ source }) => {
    const found = checkPython(source, { ...facts, setupSeconds: () => 42 });
    expect(found.map((one) => [one.code, lineOf(source, one.from)])).toEqual(expectedIn(source));
  });
});

describe('code that is right', () => {
  it.each(readdirSync(join(root, 'templates')))('the template %s has no findings', (name) => {
    for (const file of readdirSync(join(root, 'templates', name)).filter((one) => one.endsWith('.py')))
      expect(checkPython(readFileSync(join(root, 'templates', name, file), 'utf8'))).toEqual([]);
  });

  it.each<[string, string]>([
    ['a sleep in a thread', 'async def a(self) -> None:\n        await asyncio.to_thread(lambda: time.sleep(1))'],
    ['a sleep in a function inside', 'async def a(self) -> None:\n        def b():\n            time.sleep(1)'],
    ['a sleep in a def', 'def a(self) -> None:\n        time.sleep(1)'],
    ['another sleep', 'async def a(self) -> None:\n        await asyncio.sleep(1)'],
    ['a response of its own', 'async def a(self, request: Request):\n        return StreamingResponse(b())'],
    ['a stream', 'def a(self):\n        yield "a"'],
    ['any keywords', 'def a(self, **rest) -> None: ...'],
    ['a model that the request names', 'def a(self, input: Input) -> None:\n        M.from_pretrained(input.model)'],
    [
      'a model that is loaded the first time',
      'def a(self) -> None:\n        if not self.m:\n            self.m = M.from_pretrained("a")',
    ],
    ['an import that may fail', 'def a(self) -> None:\n        try:\n            import numpy\n        except: ...'],
    ['a package of the SDK', 'def a(self) -> None:\n        import PIL, pydantic, json, own_module'],
    ['a file that is completed', 'def a(self) -> None:\n        p = File.reserve()\n        p.complete(b"")'],
    ['a file that is given up', 'def a(self) -> None:\n        p = File.reserve()\n        p.abort()'],
    ['a file that somebody else completes', 'def a(self) -> None:\n        p = File.reserve()\n        b(p)'],
    ['a placeholder', 'def a(self) -> None:\n        """hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"""'],
  ])('%s', (_what, method) => {
    const head =
      'import asyncio\nimport time\nimport fal\nfrom fal.toolkit import File\n' +
      'class A(fal.App):\n    @fal.endpoint("/")\n';
    expect(checkPython(`${head}    ${method}\n`)).toEqual([]);
  });

  it.each([
    ['machine_type = os.environ["TYPE"]'],
    ['machine_type = ["GPU-H100", *others]'],
    ['requirements = ["a==1", "a~=1.0", "a<2", "a @ https://a.example/a.whl", "-r a.txt", "./a", f"a=={b}"]'],
    ['requirements = ["git+https://a.example/a.git@abc"]'],
    ['max_multiplexing = 1'],
    ['keep_alive = 10\n    min_concurrency = 1'],
    ['requirements = ["no-such-package==1"]\n    def setup(self):\n        import numpy'],
    ['requirements = ["torch==2.7.0"]\n    def setup(self):\n        import numpy'],
    ['requirements = others\n    def setup(self):\n        import numpy'],
    ['image = other\n    def setup(self):\n        import numpy'],
    ['local_python_modules = ["numpy.own"]\n    def setup(self):\n        import numpy'],
    ['machine_type = "XXS"\n    machine_type = "XS"'],
  ])('%s', (setting) => {
    const method = '@fal.endpoint("/")\n    def a(self) -> None: ...';
    expect(
      checkPython(`import fal\nclass A(fal.App):\n    ${setting}\n    ${method}\n`, { setupSeconds: () => 42 }),
    ).toEqual([]);
  });

  it('a file without apps is none of our business', () => {
    expect(checkPython('import time\nasync def fal():\n    time.sleep(1)\n')).toEqual([]);
  });
});

describe('any text', () => {
  const words = fc.constantFrom(
    ...['class A(fal.App):', 'import fal', '@fal.endpoint("/")', 'async def a(self, x', ') -> None:', 'time.sleep(1)'],
    ...[
      'machine_type = "x',
      'requirements = [',
      '"a"',
      '"""',
      "f'{",
      '\0',
      '\n',
      '\n    ',
      '\n        ',
      '(',
      '[',
      '{',
    ],
    ...[
      'lambda: ',
      'if x: ',
      'M.from_pretrained("a")',
      '\u{1F600}',
      '\uD800',
      '\\',
      '#',
      'hf_',
      ';',
      '\r',
      ' = ',
      '__init__',
    ],
  );

  it('is checked without an exception, and findings are inside it', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), (parts) => {
        const text = `import fal\n${parts.join(' ')}`;
        for (const { from, to, fixes } of checkPython(text)) {
          expect(from < to && to <= text.length).toBe(true);
          for (const edit of fixes.flatMap(({ edits }) => edits)) expect(edit.to <= text.length).toBe(true);
        }
      }),
      { numRuns: process.env.MINIFAL_SLOW ? 20_000 : 500 },
    );
  });

  const app = (body: string) => `import fal\nclass A(fal.App):\n    requirements = ${body}\n`;
  it.each<[string, string]>([
    ['nested lists', app('['.repeat(50_000))],
    ['nested calls', app('a('.repeat(50_000))],
    ['nested parentheses, closed', app(`${'('.repeat(20_000)}1${')'.repeat(20_000)}`)],
    ['minus signs', app(`${'-'.repeat(100_000)}1`)],
    ['a chain of attributes', app(`a${'.b'.repeat(100_000)}()`)],
    ['one long line of strings', app(`[${'"a", '.repeat(50_000)}]`)],
    ['one long string', app(`"${'a'.repeat(900_000)}"`)],
    ['many keys', app(`"${'sk-'.repeat(100_000)}"`)],
    ['nested blocks', `import fal\n${Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}if x:`).join('\n')}`],
    ['many classes', `import fal\n${'class A(fal.App):\n    machine_type = "x"\n'.repeat(5_000)}`],
    ['zero bytes', app('\0'.repeat(100_000))],
    ['a text that is too long', app('"a", '.repeat(500_000))],
  ])('%s', (_what, text) => {
    expect(checkPython(text).length).toBeLessThanOrEqual(500);
  });
});
