import { describe, expect, it } from 'vitest';
import { appsOf, filesOf } from '../target/app-code.ts';
import { readPythonFile } from '../target/python-reader.ts';
import { lensesOf } from './lenses.ts';

const source = `import fal
class Base(fal.App):
    keep_alive = 5

@decorated
class Painter(Base):
    @fal.endpoint("/")
    def fast(self): ...

    @other
    @fal.endpoint("/slow")
    def slow(self): ...

@fal.function()
def job(): ...
`;
const apps = appsOf(filesOf(new Map([['/w/app.py', readPythonFile(source)]]))).get('/w/app.py') ?? [];
const texts = {
  state: ({ name }: { readonly name: string }) => `${name} $(flame)`,
  changed: () => ({ run: false, deployed: false }),
  endpoint: (_: unknown, { path }: { readonly path?: string | undefined }) => `figures of ${path}`,
};
const lenses = lensesOf('/w/app.py', apps, texts);

describe('the lenses of a file', () => {
  it('are one line per app and per endpoint, above their decorators', () => {
    const lines = new Map<number, string[]>();
    for (const { line, title } of lenses) lines.set(line, [...(lines.get(line) ?? []), title]);
    expect(Object.fromEntries(lines)).toEqual({
      4: ['Run Local', 'Debug', 'Call', 'Deploy Local', 'Painter \\$(flame)'],
      6: ['Call', 'figures of /'],
      9: ['Call', 'figures of /slow'],
      13: ['Run Local', 'job \\$(flame)'],
    });
  });

  it('offer to run or deploy again what answers with older code, at the same places', () => {
    for (const [run, deployed, expected] of [
      [true, false, ['Run Again', 'Debug', 'Call', 'Deploy Local']],
      [false, true, ['Run Local', 'Debug', 'Call', 'Deploy Again']],
    ] as const) {
      const shown = lensesOf('/w/app.py', apps, { ...texts, changed: () => ({ run, deployed }) });
      expect(shown.slice(0, 4).map(({ title }) => title)).toEqual(expected);
      expect(shown.map(({ line, action }) => [line, action])).toEqual(lenses.map(({ line, action }) => [line, action]));
    }
  });

  it('name the place of each action, and the app for its command', () => {
    const actions = lenses.filter(({ action }) => action && /^(runApp|deploy)/.test(action.command));
    expect(actions.length).toBeGreaterThan(2);
    for (const { title } of actions) expect(title).toMatch(/ Local$/);
    expect(actions[0]?.action).toEqual({ command: 'runApp', argument: { file: '/w/app.py', app: 'Painter' } });
  });
});
