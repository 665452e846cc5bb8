import { describe, expect, it } from 'vitest';
import { commandNames, commands } from './commands.ts';
import type { Contexts, RowKind } from './contexts.ts';
import { views } from './views.ts';
import { welcome } from './welcome.ts';

/** What the editor knows: the extension's keys, and its own. */
type Facts = Partial<Contexts> & {
  readonly view?: string;
  readonly viewItem?: string;
  readonly isWorkspaceTrusted?: boolean;
  readonly workspaceFolderCount?: number;
};

/** Evaluates a `when` clause as the editor does, as far as the extension uses its language. */
function holds(when: string, facts: Facts): boolean {
  const factOf = (name: string): unknown => (facts as { [name: string]: unknown })[name.replace(/^minifal\./, '')];
  return when.split(' && ').every((clause) => {
    const [name = '', operator, value = ''] = clause.split(' ');
    if (operator === '==') return String(factOf(name)) === value;
    if (operator === '!=') return String(factOf(name)) !== value;
    // Of the editor's tabs, of which there are none here.
    if (operator === '=~') return false;
    if (operator !== undefined) throw new Error(`unknown operator in ${clause}`);
    if (name === 'false') return false;
    return name.startsWith('!') ? !factOf(name.slice(1)) : Boolean(factOf(name));
  });
}

const trusted: Facts = { isWorkspaceTrusted: true, workspaceFolderCount: 1 };
const running: Facts = { ...trusted, hasApps: true, emulatorState: 'running', hasNoEmulator: false };
const stopped: Facts = { ...trusted, hasApps: true, emulatorState: 'stopped', hasNoEmulator: true };

/** Commands in a menu, with their group. */
function offered(menu: 'view/title' | 'view/item/context', facts: Facts): readonly (readonly [string, string])[] {
  return commandNames.flatMap((name) =>
    (commands[name].menus ?? [])
      .filter((entry) => entry.menu === menu && holds(entry.when, facts))
      .map(({ group }) => [name, group] as const),
  );
}

const onRow = (kind: RowKind, facts: Facts) =>
  offered('view/item/context', {
    ...facts,
    view: kind.startsWith('request') || kind === 'older' ? 'minifal.requests' : 'minifal.apps',
    viewItem: `minifal.${kind}`,
  });
const inline = (kind: RowKind, facts: Facts) =>
  onRow(kind, facts)
    .filter(([, group]) => group.startsWith('inline'))
    .map(([name]) => name);
const inPalette = (facts: Facts) => commandNames.filter((name) => holds(commands[name].palette ?? '!never', facts));

describe('a row', () => {
  it.each<[RowKind, readonly string[], readonly string[]]>([
    ['app', ['callApp', 'showLog'], ['showLog']],
    ['app.other', ['callApp', 'showLog'], ['showLog']],
    ['run', ['stopRun', 'callApp'], ['stopRun']],
    ['run.other', [], []],
    ['code', ['runApp', 'deployToEmulator'], []],
    ['function', ['runApp'], []],
    ['endpoint', ['callApp'], []],
    ['runner', ['showLog', 'stopRunner'], ['showLog', 'stopRunner']],
    ['runner.ended', ['clearRunner'], ['clearRunner']],
    ['ended', ['clearEnded'], ['clearEnded']],
    ['request.waiting', ['cancelRequest'], ['cancelRequest']],
    ['request.running', ['cancelRequest'], ['cancelRequest']],
    ['request.done', ['replayRequest'], []],
    ['request.direct', [], []],
    ['broken', [], []],
    ['elsewhere', [], []],
    ['revision', [], []],
  ])('of the kind %s has at most two buttons: %j; without trust %j', (kind, expected, untrusted) => {
    expect(expected.length).toBeLessThanOrEqual(2);
    expect(inline(kind, running).toSorted()).toEqual(expected.toSorted());
    expect(inline(kind, { ...running, isWorkspaceTrusted: false }).toSorted()).toEqual(untrusted.toSorted());
  });

  it('has each of its buttons in its menu, too, for the keyboard', () => {
    const kinds: readonly RowKind[] = ['app', 'run', 'code', 'function', 'endpoint', 'runner', 'ended', 'request.done'];
    for (const kind of [...kinds, 'request.waiting', 'request.running', 'runner.ended'] as const) {
      const inMenu = onRow(kind, running).filter(([, group]) => !group.startsWith('inline'));
      expect([kind, inMenu.map(([name]) => name)]).toEqual([kind, expect.arrayContaining([...inline(kind, running)])]);
    }
  });

  it('of a killed emulator offers nothing', () => {
    for (const kind of ['app', 'run', 'runner', 'ended', 'request.waiting'] as const) {
      expect(
        offered('view/item/context', { ...running, view: 'minifal.apps', viewItem: `minifal.${kind}.gone` }),
      ).toEqual([]);
    }
  });

  it('that can be run is offered only where its code is', () => {
    const names = (kind: RowKind) => onRow(kind, running).map(([name]) => name);
    expect(names('app')).toEqual(expect.arrayContaining(['runApp', 'deployToEmulator']));
    expect(names('app.other')).not.toContain('runApp');
    expect(names('run.other')).not.toContain('stopRun');
  });
});

describe('what ends something is offered only when there is something to end', () => {
  const ends = ['stopEmulator', 'stopRun', 'stopRunner', 'cancelRequest', 'clearEnded', 'clearFilter'];
  const title = (facts: Facts) => offered('view/title', { ...facts, view: 'minifal.apps' }).map(([name]) => name);

  it.each<[string, Facts, readonly string[]]>([
    ['a stopped emulator', stopped, []],
    ['a running emulator', running, ['stopEmulator']],
    ['a process that does not answer', { ...stopped, emulatorState: 'failed', hasNoEmulator: false }, ['stopEmulator']],
    ['a run', { ...running, hasRuns: true }, ['stopEmulator', 'stopRun']],
    ['a runner', { ...running, hasRunners: true }, ['stopEmulator', 'stopRunner']],
    ['an ended runner', { ...running, hasEnded: true }, ['stopEmulator', 'clearEnded']],
    ['a waiting request', { ...running, hasOpenRequests: true }, ['stopEmulator', 'cancelRequest']],
    ['a filter', { ...running, hasFilter: true }, ['stopEmulator', 'clearFilter']],
  ])('with %s', (_, facts, expected) => {
    expect(inPalette(facts).filter((name) => ends.includes(name))).toEqual(
      ends
        .filter((name) => expected.includes(name))
        .toSorted((a, b) => commandNames.indexOf(a as never) - commandNames.indexOf(b as never)),
    );
    const inTitle = title(facts).filter((name) => ends.includes(name));
    expect(expected).toEqual(expect.arrayContaining(inTitle));
  });

  it('and Run only when there is an app to run', () => {
    const run = (facts: Facts) => title(facts).filter((name) => name === 'runApp' || name === 'deployToEmulator');
    expect(run(running)).toEqual(['runApp', 'deployToEmulator']);
    expect(run({ ...running, hasApps: false })).toEqual([]);
    expect(run({ ...running, isWorkspaceTrusted: false })).toEqual([]);
    expect(inPalette({ ...stopped, hasApps: false, hasNoApps: true })).not.toContain('runApp');
  });
});

describe('an empty view', () => {
  const both = [true, false];
  const situations: readonly Facts[] = both.flatMap((isWorkspaceTrusted) =>
    [0, 1].flatMap((workspaceFolderCount) =>
      both.flatMap((hasApps) =>
        (['ok', 'missing', 'tooOld'] as const).flatMap((pythonState) =>
          (['stopped', 'starting', 'running', 'failed'] as const).map((emulatorState) => ({
            isWorkspaceTrusted,
            workspaceFolderCount,
            hasApps,
            hasNoApps: !hasApps,
            pythonState,
            emulatorState,
          })),
        ),
      ),
    ),
  );

  it.each(Object.keys(views))('%s says one thing, with one button', (view) => {
    for (const facts of situations) {
      const shown = welcome.filter((one) => one.view === view && holds(one.when, facts));
      expect([facts, shown.map(({ name }) => name)]).toEqual([facts, shown.slice(0, 1).map(({ name }) => name)]);
      const { isWorkspaceTrusted, workspaceFolderCount, pythonState, hasApps } = facts;
      // The view has the rows of these apps, whether an emulator runs or not.
      const hasRows = isWorkspaceTrusted && workspaceFolderCount === 1 && pythonState === 'ok' && hasApps;
      if (view === 'requests') expect([facts, shown.length]).toEqual([facts, 1]);
      if (view === 'apps') expect([facts, shown.length]).toEqual([facts, hasRows ? 0 : 1]);
      for (const { name, contents } of shown) {
        const buttons = contents.split('\n').filter((line) => /^\[[^\]]+\]\([^)]+\)$/.test(line));
        expect([name, buttons.length]).toEqual([name, name === 'starting' ? 0 : 1]);
      }
    }
  });
});
