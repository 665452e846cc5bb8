import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { withApps } from './pyproject.ts';

const lines = ['[tool.fal.apps.new-app]', 'ref = "new-app/app.py::Hello"', 'auth = "private"'];
const app = { ref: 'new-app/app.py::Hello', auth: 'private' };
const add = (text: string) => withApps(text, lines);

describe('two apps in pyproject.toml', () => {
  const both = [...lines, '', '[tool.fal.apps.second]', 'ref = "new-app/app.py::Second"'];

  it('come together', () => {
    expect(withApps('[tool.fal.apps.a]\nref = "a.py"\n', both)).toBe(
      `[tool.fal.apps.a]\nref = "a.py"\n\n${both.join('\n')}\n`,
    );
  });

  it('are refused if one of them is there', () => {
    expect(() => withApps('[tool.fal.apps.second]\nref = "a.py"\n', both)).toThrow(
      expect.objectContaining({ code: 'APP_EXISTS', message: 'pyproject.toml has an app second already.' }),
    );
  });
});

describe('an app in pyproject.toml', () => {
  it('comes after the other apps, before the comment of what follows', () => {
    const [before, after] = ['[tool.fal.apps.old] # first\nref = "a.py"\n\n', '# Of ruff.\n[tool.ruff]\nindent = 2\n'];
    expect(add(before + after)).toBe(`${before}${lines.join('\n')}\n\n${after}`);
  });

  it.each([
    ['', `${lines.join('\n')}\n`],
    ['a = 1\n', `a = 1\n\n${lines.join('\n')}\n`],
    ['a = 1', `a = 1\n\n${lines.join('\n')}`],
    ['a = 1\r\nb = 2', `a = 1\r\nb = 2\r\n\r\n${lines.join('\r\n')}`],
    ['[tool.fal]\napps.old = { ref = "a.py" }\n', undefined],
  ])('is at the end of %j otherwise, with its line breaks', (text, expected) => {
    if (expected !== undefined) expect(add(text)).toBe(expected);
    else expect(parse(add(text))).toMatchObject({ tool: { fal: { apps: { 'new-app': app } } } });
  });

  it('is not added in the middle of a text that looks like a table', () => {
    const text = '[tool.fal.apps.old]\nref = """\n[tool.fal.apps.x]\n[other]\n"""\n[last]\n';
    expect(add(text)).toContain(text);
  });

  it.each([
    ['[tool.fal.apps.new-app]\nref = "a.py"', 'APP_EXISTS'],
    ['[tool.fal.apps."new-app"]\nref = "a.py"', 'APP_EXISTS'],
    ['[tool.fal]\napps = { new-app = { ref = "a.py" } }', 'APP_EXISTS'],
    ['[tool.fal.apps.other]\nname = "new-app"', 'APP_EXISTS'],
    ['[tool.fal]\napps = { other = { ref = "a.py" } }', 'PYPROJECT_UNSUITABLE'],
    ['tool.fal = 1', 'PYPROJECT_UNSUITABLE'],
    ['[tool.fal.apps\n', 'PYPROJECT_UNSUITABLE'],
    ['a = 1\na = 2\n', 'PYPROJECT_UNSUITABLE'],
    ['[[tool.fal.apps]]\nref = "a.py"', 'PYPROJECT_UNSUITABLE'],
  ])('is refused where %j is: %s', (text, code) => {
    expect(() => add(text)).toThrow(expect.objectContaining({ code }));
  });

  // Pieces of real files, some of which look like others.
  const comment = fc.constantFrom('', '# A comment', '  # [tool.fal.apps.new-app]', '#', '\t');
  const value = fc.constantFrom(
    '1',
    '9007199254740993',
    'nan',
    '-0.0',
    '1979-05-27T07:32:00Z',
    '07:32:00',
    '"[tool.fal.apps.x]"',
    "'''\n[tool.fal.apps.y]\n[z]\n'''",
    '"""\n# no comment\n\n[[a]]"""',
    '[\n  [1, 2], # one\n  ["a"],\n]',
    '{ a = 1, b.c = "x" }',
  );
  const header = (at: number) =>
    fc.constantFrom(
      `[table-${at}]`,
      `[table-${at}.inner] # a comment`,
      `[[list-${at}]]`,
      `[tool.fal.apps.app-${at}]`,
      `[ tool . fal . apps . "app ${at}" ]`,
      `[tool.fal.apps.app-${at}.image]`,
      `[tool.other-${at}]`,
    );
  const section = (at: number) =>
    fc
      .tuple(fc.array(comment, { maxLength: 3 }), header(at), fc.array(fc.tuple(value, comment), { maxLength: 3 }))
      .map(([before, head, entries]) => [
        ...before,
        head,
        ...entries.map(([one, after], key) => `${'  '.repeat(key)}key-${key} = ${one} ${after.trim()}`),
      ]);
  const file = fc
    .tuple(fc.nat(6), fc.boolean(), fc.constantFrom('\n', '\r\n'), fc.array(comment, { maxLength: 2 }))
    .chain(([count, hasEnd, end, after]) =>
      fc
        .tuple(...Array.from({ length: count }, (_, at) => section(at)))
        .map((sections) => [...sections.flat(), ...after].join('\n').replaceAll('\n', end) + (hasEnd ? end : '')),
    );

  it('changes no other value, and every line is still there in its order', () => {
    fc.assert(
      fc.property(file, (text) => {
        const after = add(text);
        const { 'new-app': added, ...others } = appsIn(after);
        expect(added).toEqual(app);
        expect(others).toEqual(appsIn(text));
        expect(withoutApps(after)).toEqual(withoutApps(text));
        const left = after.split('\n');
        for (const line of text.split('\n')) {
          // The last line gets a line break if it had none.
          const at = left.findIndex((one) => one === line || one === `${line}\r`);
          expect(at, line).toBeGreaterThanOrEqual(0);
          left.splice(0, at + 1);
        }
        expect(after.endsWith('\n')).toBe(text === '' || text.endsWith('\n'));
        if (text.includes('\n')) expect(/(?<!\r)\n/.test(after)).toBe(/(?<!\r)\n/.test(text));
      }),
      { numRuns: process.env.MINIFAL_SLOW ? 20_000 : 500 },
    );
  });
});

// biome-ignore lint/suspicious/noExplicitAny: any TOML
const read = (text: string): any => parse(text, { integersAsBigInt: 'asNeeded' });
const appsIn = (text: string): Record<string, unknown> => read(text).tool?.fal?.apps ?? {};

function withoutApps(text: string): unknown {
  const { tool, ...rest } = read(text);
  const { fal: _fal, ...tools } = tool ?? {};
  return { ...rest, tools };
}
