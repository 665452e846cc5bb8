import { describe, expect, it } from 'vitest';
import type { FailedCommand } from '../problem.ts';
import type { ExceptionRow } from '../target/live.ts';
import { appRow, liveWith, runnerRow } from '../target/testing/live.ts';
import { reloadRow } from '../target/testing/reload.ts';
import { createProblemList } from './problem-list.ts';
import { withRuns } from './runner-paths.ts';
import { exceptionRow, frame, workspaceOf } from './testing/rows.ts';

const text = 'one\ntwo\nthree\n';
const workspace = workspaceOf({ '/work/app.py': text, '/work/other.py': text }, [
  { path: '/work/app.py', aliases: ['hello', 'a-uuid'] },
]);
const hello = [appRow({ alias: 'hello' })];
const at = (file: string, line: number) => ({ frames: [frame(file, line)] });
const row = (change: Parameters<typeof exceptionRow>[0] = {}) =>
  exceptionRow({ exception: at('/work/app.py', 2), ...change });
const failed: FailedCommand = {
  command: 'run',
  key: 'k',
  file: '/work/app.py',
  at: 1_000,
  reason: 'why',
  place: { file: '/work/app.py', line: 3 },
};

function problems() {
  const list = createProblemList();
  return {
    ...list,
    update: (
      exceptions: readonly ExceptionRow[],
      rows: Parameters<typeof liveWith>[0] = { apps: hello },
      now = 5_000,
    ) => list.update(liveWith({ ...rows, exceptions }), workspace, now),
    failed: (change: Partial<FailedCommand> = {}) => list.failed({ ...failed, ...change }, workspace),
    lines: () => [...list.byFile()].flatMap(([file, all]) => all.map(({ place }) => `${file}:${place.line}`)).sort(),
    sources: () => [...list.byFile().values()].flat().map(({ source }) => source),
  };
}

const edit = { file: '/work/app.py', line: 1, endLine: 1, added: 0, isAbove: false, isBelow: false };

describe('the problems', () => {
  it('are the exceptions that the emulator has now', () => {
    const { update, lines } = problems();
    update([row(), row({ key: 'hello /', exception: at('/work/other.py', 1) })]);
    expect(lines()).toEqual(['/work/app.py:2', '/work/other.py:1']);
    update([row()]);
    expect(lines()).toEqual(['/work/app.py:2']);
    update([]);
    expect(lines()).toEqual([]);
  });

  it('are of the code that a run has exchanged since, not of its beginning', () => {
    const files = { '/work/app.py': text };
    const changed = workspaceOf(files, [{ path: '/work/app.py', aliases: ['a-uuid'] }], 900);
    const run = { alias: 'a-uuid', kind: 'run' as const };
    const raised = row({ alias: 'a-uuid', revision: 'r2', at: 2_000, runner: { id: 'r', number: 1, startedAt: 500 } });
    const messageWith = (change: Partial<Parameters<typeof appRow>[0]>) => {
      const list = createProblemList();
      list.update(liveWith({ apps: [appRow({ ...run, ...change })], exceptions: [raised] }), changed, 5_000);
      return [...list.byFile().values()].flat().map(({ message }) => message);
    };
    const swapped = reloadRow({ at: 1_100, ms: 200, outcome: 'swapped', error: null });
    expect(messageWith({ revision: 'r2', reload: swapped })).toEqual(["KeyError: 'style'"]);
    expect(messageWith({ revision: 'r2', reload: null })).toEqual([
      "KeyError: 'style' (the file has changed since runner 1 started)",
    ]);
  });

  it('have a save that can’t be imported, until a later one can, the run ends, or its line is edited', () => {
    const { update, edited, lines, sources } = problems();
    const error = { type: 'SyntaxError', message: "expected ':'", file: '/work/app.py', line: 2 };
    const save = (at: number, change: Parameters<typeof reloadRow>[0]) =>
      update([], { apps: [appRow({ alias: 'a-uuid', kind: 'run', reload: reloadRow({ at, ...change }) })] });
    save(1, { outcome: 'kept', error });
    expect([lines(), sources()]).toEqual([['/work/app.py:2'], ['reload']]);
    save(2, {});
    expect(lines()).toEqual([]);
    save(3, { outcome: 'kept', error });
    update([], { apps: [] });
    expect(lines()).toEqual([]);
    save(4, { outcome: 'kept', error });
    expect(edited(edit)).toBe(true);
    save(4, { outcome: 'kept', error });
    expect(lines()).toEqual([]);
    for (const elsewhere of [
      { ...error, file: '/usr/lib/python3/re.py' },
      { ...error, file: null },
      { ...error, line: null },
    ])
      save(5, { outcome: 'kept', error: elsewhere });
    expect(lines()).toEqual([]);
  });

  it('end with an edit of their line, until the same happens again', () => {
    const { update, edited, lines } = problems();
    update([row()]);
    expect([edited({ ...edit, line: 5, endLine: 5 }), edited(edit), edited(edit)]).toEqual([false, true, false]);
    update([row()]);
    expect(lines()).toEqual([]);
    update([row({ at: 2_000 })]);
    expect(lines()).toEqual(['/work/app.py:2']);
  });

  it('stay at their line when it moves', () => {
    const { update, edited, lines } = problems();
    update([row()]);
    edited({ ...edit, line: 0, endLine: 0, added: 2 });
    update([row()]);
    expect(lines()).toEqual(['/work/app.py:4']);
  });

  it('end when another program changes their line, or deletes the file', () => {
    const { update, rewritten, lines } = problems();
    update([row(), row({ key: 'hello /', exception: at('/work/app.py', 3) })]);
    expect(rewritten('/work/app.py', text.replace('two', 'TWO'))).toBe(true);
    expect(lines()).toEqual(['/work/app.py:3']);
    expect(rewritten('/work/app.py', `${text}more\n`)).toBe(false);
    expect(rewritten('/work/app.py', undefined)).toBe(true);
    expect(lines()).toEqual([]);
  });

  it('stay at their line if an editor reads that line from the file only later, and move or end as by any edit', () => {
    const { update, reread, lines } = problems();
    update([row(), row({ key: 'hello /', exception: at('/work/app.py', 3) })]);
    const replaced = { ...edit, line: 0, endLine: 2, added: 2 };
    // The editor had older lines until now.
    expect(reread('/work/app.py', text, [replaced])).toBe(false);
    expect(lines()).toEqual(['/work/app.py:2', '/work/app.py:3']);
    const inserted = { ...edit, line: 0, endLine: 0, added: 1, isAbove: true };
    expect(reread('/work/app.py', `zero\n${text}`, [inserted])).toBe(true);
    expect(lines()).toEqual(['/work/app.py:3', '/work/app.py:4']);
    expect(reread('/work/app.py', 'zero\none\nTWO\nthree\n', [{ ...edit, line: 2, endLine: 2 }])).toBe(true);
    expect(lines()).toEqual(['/work/app.py:4']);
  });

  it('of a run that has ended end with a later start of its app', () => {
    const { update, lines } = problems();
    const gone = row({ key: 'a-uuid start', alias: 'a-uuid' });
    const runner = (startedAt: number, state: string) => ({
      apps: hello,
      runners: [runnerRow({ alias: 'hello', startedAt, state })],
    });
    update([gone], runner(500, 'IDLE'));
    update([gone], runner(2_000, 'SETUP'));
    expect(lines()).toEqual(['/work/app.py:2']);
    update([gone], runner(2_000, 'RUNNING'));
    expect(lines()).toEqual([]);
    update([gone], { apps: hello });
    expect(lines()).toEqual([]);
  });

  it('of a run in a terminal end with a later start there', () => {
    const list = createProblemList();
    const gone = row({ key: 'first start', alias: 'first' });
    const live = (...runs: readonly string[]) =>
      liveWith({
        apps: runs.map((alias) => appRow({ alias, kind: 'run', appName: 'hello' })),
        runners: runs.map((alias) => runnerRow({ id: alias, alias, startedAt: 2_000 })),
        exceptions: [gone],
      });
    const update = (state: ReturnType<typeof live>) =>
      list.update(state, { ...workspace, apps: withRuns(workspace.apps, state) }, 5_000);
    update(live());
    expect([list.byFile().size, list.waitsForSuccess(live('second'))]).toEqual([1, true]);
    update(live('second'));
    expect(list.byFile().size).toBe(0);
  });

  it('of a command end with a deploy of the app, and are replaced by those of the next command', () => {
    const { update, failed: fails, lines, sources } = problems();
    update([]);
    fails();
    fails({ at: 1_500, place: { file: '/work/app.py', line: 1 } });
    expect([lines(), sources()]).toEqual([['/work/app.py:1'], ['run']]);
    update([]);
    expect(lines()).toEqual(['/work/app.py:1']);
    update([], { apps: [appRow({ alias: 'hello', revision: 'r2' })] });
    expect(lines()).toEqual([]);
  });

  it('say once what a line has, and no more than 20 of a file', () => {
    const { update, failed: fails, sources, lines } = problems();
    fails();
    update([row({ runner: { id: 'r', number: 7, startedAt: 0 }, exception: at('/work/app.py', 3) })]);
    expect(sources()).toEqual(['runner 7']);
    update(Array.from({ length: 40 }, (_, n) => row({ key: `hello /${n}`, exception: at('/work/app.py', n + 1) })));
    expect(lines()).toHaveLength(20);
  });

  it('end when they are cleared, with the others of that line', () => {
    const { update, clear, lines } = problems();
    const both = [row(), row({ key: 'hello /', exception: at('/work/app.py', 2) })];
    update(both);
    expect([clear('hello /@7'), clear('hello /@1000')]).toEqual([false, true]);
    expect(lines()).toEqual([]);
    update(both);
    expect(lines()).toEqual([]);
  });

  it('are what they were after the window was reloaded, if their line is the same', () => {
    const before = problems();
    expect(before.stored()).toBeUndefined();
    before.update([row(), row({ key: 'hello /', exception: at('/work/other.py', 1) })]);
    before.edited(edit);
    before.failed();
    const stored = JSON.parse(JSON.stringify(before.stored()));
    const after = problems();
    after.restore(stored, workspace);
    expect([after.lines(), after.sources()]).toEqual([['/work/app.py:3'], ['run']]);
    after.update([row(), row({ key: 'hello /', exception: at('/work/other.py', 1) })]);
    expect(after.lines()).toEqual(['/work/app.py:3', '/work/other.py:1']);
    const changed = problems();
    changed.restore(stored, workspaceOf({ '/work/app.py': 'one\ntwo\n3\n' }));
    changed.restore({ settled: 7 }, workspace);
    expect(changed.lines()).toEqual([]);
  });

  it('of a command leave nothing to store when they have ended', () => {
    const { failed, edited, clear, lines, stored } = problems();
    failed();
    edited({ ...edit, line: 2, endLine: 2 });
    expect([lines(), stored()]).toEqual([[], undefined]);
    failed();
    expect(clear('command k@1000')).toBe(true);
    expect([lines(), stored()]).toEqual([[], undefined]);
  });

  it('get a line when the app of an exception becomes known', () => {
    const list = createProblemList();
    const exception = { type: 'ModuleNotFoundError', message: "No module named 'two'", phase: 'import' as const };
    const live = liveWith({ apps: hello, exceptions: [exceptionRow({ exception })] });
    const files = { '/work/app.py': 'import two\n' };
    list.update(live, workspaceOf(files), 0);
    expect(list.byFile().size).toBe(0);
    list.lookAgain();
    list.update(live, workspaceOf(files, [{ path: '/work/app.py' }]), 0);
    expect(list.byFile().size).toBe(1);
  });
});
