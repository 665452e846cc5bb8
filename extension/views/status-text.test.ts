import { describe, expect, it } from 'vitest';
import type { LiveState, RequestRow, RunnerRow } from '../target/live.ts';
import type { ReloadRow } from '../target/reload.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { appRow, liveWith, requestRow, runnerRow } from '../target/testing/live.ts';
import { reloadRow } from '../target/testing/reload.ts';
import { statusText } from './status-text.ts';

const running = { pid: 1, processStart: '1', version: '1', startedAt: 0, ports: { api: 1, run: 2, queue: 3, ws: 4 } };
const live = liveWith();
const keyError = { type: 'builtins.KeyError$(x)', message: '', file: null, line: null };
const textOf = (snapshot: Snapshot, hasApps: boolean) => statusText(snapshot, hasApps, '/data');

describe('the status bar', () => {
  it('is empty in a window without apps or an emulator', () => {
    expect(textOf({ state: 'stopped' }, false)).toBeUndefined();
  });
  it.each([
    [{ state: 'stopped' } as const, /stopped/, false],
    [{ state: 'starting' } as const, /spin/, false],
    [{ state: 'failed', why: 'It did not start.' } as const, /fal: failed/, true],
    [{ state: 'failed', why: 'It ended.', last: live } as const, /fal: ended/, true],
    [{ state: 'running', running, live } as const, /fal: local$/, false],
    [{ state: 'running', running, live: liveWith({ trouble: 'The disk is full.' }) } as const, /warning/, true],
  ])('shows where the emulator is and its state: %j', (snapshot, text, isError) => {
    expect(textOf(snapshot, true)).toMatchObject({ text: expect.stringMatching(text), isError });
  });
  it('shows why the emulator failed, including to screen readers', () => {
    expect(textOf({ state: 'failed', why: 'It ended.' }, true)).toMatchObject({
      tooltip: 'It ended\\.',
      spoken: expect.stringContaining('It ended.'),
    });
  });
  it('shows that secrets are sealed, and how to open them', () => {
    const tooltip = (secrets: LiveState['head']['secrets']) =>
      textOf({ state: 'running', running, live: liveWith({ secrets }) }, true)?.tooltip;
    expect(tooltip('sealed')).toMatch(/Secrets are sealed.*start it from here/);
    expect(tooltip('open')).not.toMatch(/sealed/);
  });
  it('counts the live runners', () => {
    const runners = [runnerRow(), runnerRow({ id: 'ended', endedAt: 5 })];
    expect(textOf({ state: 'running', running, live: liveWith({ runners }) }, false)).toMatchObject({
      text: expect.stringContaining('$(play)1'),
      spoken: expect.stringContaining('1 runner'),
    });
  });
  it('counts the deployed apps', () => {
    const tooltip = (count: number) => {
      const apps = Array.from({ length: count }, (_, n) => appRow({ alias: `a${n}` }));
      return textOf({ state: 'running', running, live: liveWith({ apps }) }, false)?.tooltip;
    };
    expect([tooltip(0), tooltip(1), tooltip(2)]).toEqual(
      [/0 apps, /, /1 app, /, /2 apps, /].map((text) => expect.stringMatching(text)),
    );
  });
  it('shows the time scale', () => {
    expect(textOf({ state: 'running', running, live: liveWith({ timeScale: 60 }) }, false)).toMatchObject({
      text: '$(server-process) fal: local x60',
      tooltip: expect.stringContaining('Time x60: '),
    });
  });
  it('counts waiting requests, and shows that runners are starting', () => {
    const setup = runnerRow({ state: 'SETUP' });
    const head = { ...live.head, requests: { waiting: 3, running: 0, finished: 0 } };
    const text = (runners: readonly RunnerRow[]) =>
      textOf({ state: 'running', running, live: { ...liveWith({ runners }), head } }, true)?.text;
    expect(text([setup])).toBe('$(server-process) fal: local $(loading~spin) setup $(play)1 $(clock)3');
    expect(text([setup, runnerRow({ id: 'b' })])).toBe('$(server-process) fal: local $(play)2 $(clock)3');
  });
  it('shows the failure of the last request, which a click opens, until one succeeds', () => {
    const failed = requestRow({ number: 38, completedAt: 5, status: 500, error: keyError });
    const shown = (...requests: readonly RequestRow[]) =>
      textOf({ state: 'running', running, live: liveWith({ requests }) }, true);
    expect(shown(failed)).toMatchObject({
      text: '$(server-process) fal: local $(error) KeyErrorx',
      spoken: expect.stringContaining('request 38 failed: KeyErrorx'),
      isError: false,
      failed: { number: 38 },
    });
    expect(shown(failed, requestRow({ number: 37, completedAt: 6 }))?.failed).toBeUndefined();
    expect(shown({ ...failed, status: 499 })?.failed).toBeUndefined();
    expect(shown({ ...failed, status: 422, error: null })?.failed).toBeUndefined();
  });
  it('does not show a failure of code that was reloaded since', () => {
    const failed = requestRow({ completedAt: 5, status: 500, error: keyError });
    const shown = (reload: ReloadRow) => {
      const apps = [appRow({ alias: failed.alias, reload })];
      return textOf({ state: 'running', running, live: liveWith({ apps, requests: [failed] }) }, true)?.failed;
    };
    expect(shown(reloadRow({ at: 6 }))).toBeUndefined();
    expect(shown(reloadRow({ at: 6, outcome: 'restarted' }))).toBeUndefined();
    expect(shown(reloadRow({ at: 4 }))).toMatchObject({ number: failed.number });
    expect(shown(reloadRow({ at: 6, outcome: 'failed' }))).toMatchObject({ number: failed.number });
  });
  it('names a run by its app', () => {
    const run = appRow({ alias: '99999999-cccc-4c43-9d4e-5b6f0f7f1a11', kind: 'run' });
    const deleted = appRow({ alias: 'ending', kind: 'run' });
    const apps = [{ ...run, appName: '*painter*' }, { ...run, alias: run.alias.replace('cccc', 'dddd') }, deleted];
    const tooltip = textOf({ state: 'running', running, live: liveWith({ apps }) }, true)?.tooltip ?? '';
    expect([...tooltip.matchAll(/\[(.*?)\]\(command:minifal.openRow/g)].map(([, name]) => name)).toEqual([
      '\\*painter\\* \\(run\\)',
      'fal run',
      'ending',
    ]);
  });
  it('has the apps with their states, the data folder, and a link that stops the emulator, in its tooltip', () => {
    const apps = Array.from({ length: 7 }, (_, n) => appRow({ alias: `*a${n}*`, queued: n }));
    const runners = [runnerRow({ alias: '*a6*', state: 'RUNNING' })];
    const tooltip = textOf({ state: 'running', running, live: liveWith({ apps, runners }) }, true)?.tooltip ?? '';
    expect(tooltip).toMatch(/\[\\\*a6\\\*\]\(command:minifal\.openRow\?%5B[^)]*\): 1 of 1 busy · 6 queued/);
    expect(tooltip).toContain('2 more apps');
    expect(tooltip).toContain('Data folder: \\/data');
    expect(tooltip).toContain('[Stop Emulator](command:minifal.stopEmulator)');
  });
});
