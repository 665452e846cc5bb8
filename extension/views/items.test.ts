import { describe, expect, it } from 'vitest';
import type { Reason } from '../target/live.ts';
import { appRow, liveWith, runnerRow } from '../target/testing/live.ts';
import { endedRunners, type Row, ticks, toItems } from './items.ts';

const now = 1_000_000;
const revision = '11111111-aaaa';
const app = appRow({ revision });
const runner = runnerRow({ revision, since: now - 5_400, startedAt: now - 9_000 });
const state = (change: Parameters<typeof liveWith>[0]) => ({ live: liveWith(change) });
const noRunner: Reason = {
  code: 'no_runner',
  numbers: {},
  since: now,
  until: null,
  evidence: null,
  action: null,
  also: null,
};

/** `label | description`, indented by depth. */
function draw(rows: readonly Row[], depth = 0): readonly string[] {
  return rows.flatMap(({ label, description, children }) => [
    `${'  '.repeat(depth)}${label} | ${description}`,
    ...draw(children, depth + 1),
  ]);
}

describe('the tree', () => {
  it('is empty without a state', () => {
    expect(toItems({}, now)).toEqual([]);
  });

  it('keeps what a killed emulator last said, greyed, with a row that starts the next one', () => {
    const ended = { ...runner, id: 'ended', number: 2, endedAt: now - 1_000, why: 'Idle.' };
    const last = liveWith({ apps: [app], runners: [runner, ended] });
    const rows = toItems({ state: 'failed', last }, now);
    expect(draw(rows)).toEqual([
      'Start Emulator | it ended unexpectedly',
      'hello | not running',
      '  11111111 | active',
      '    runner 1 | not running',
      '    runner 2 | TERMINATED · 1 s · Idle.',
    ]);
    const [start, row] = rows;
    expect([start?.command, row?.color]).toEqual(['startEmulator', 'disabledForeground']);
    // While the next one starts, there is nothing to start, and nothing changes with time.
    expect(toItems({ state: 'starting', last }, now)).toEqual(rows.slice(1));
    expect(ticks(rows)).toBe(false);
  });

  it('shows apps > revisions > runners, apps by name', () => {
    const shown = state({ apps: [app, { ...app, alias: 'alpha' }], runners: [runner] });
    expect(draw(toItems(shown, now))).toEqual([
      'alpha | no runners',
      '  11111111 | active',
      'hello | 1 runner',
      '  11111111 | active',
      '    runner 1 | IDLE · 5 s',
    ]);
  });

  it('shows how many requests wait, and why', () => {
    const [row] = toItems(state({ apps: [appRow({ queued: 2, reason: noRunner })] }), now);
    expect(row?.description).toBe('no runners · 2 waiting: No runner yet.');
  });

  it('still shows that the last start failed when no request waits any more', () => {
    const lastFailure = 'The process exited with code 1.';
    const [row] = toItems(state({ apps: [{ ...app, lastFailure }] }), now);
    expect(row?.description).toBe('no runners · last start failed');
    expect(row?.facts).toContainEqual({ name: 'Last start failed', text: lastFailure });
  });

  it('keeps a replaced revision while it has runners', () => {
    const old = {
      ...runner,
      id: 'old',
      revision: '22222222-bbbb',
      state: 'DRAINING',
      number: 7,
      busy: 1,
      requests: [38],
    };
    const items = toItems(state({ apps: [app], runners: [old] }), now);
    expect(items[0]?.children[1]?.children[0]?.spoken).toBe('runner 7, DRAINING, less than a minute, 1 in flight');
    expect(draw(items)).toEqual([
      'hello | 1 runner',
      '  11111111 | active',
      '  22222222 | replaced',
      '    runner 7 | DRAINING · 5 s · 1 in flight',
    ]);
  });

  it('shows an app of `fal run` while it exists, and its ended runners for five minutes', () => {
    const alias = '99999999-cccc';
    const ended = {
      ...runner,
      alias,
      state: 'TERMINATED',
      since: now - 1_000,
      endedAt: now - 1_000,
      why: 'gone',
    };
    const shown = state({ runners: [ended] });
    expect(draw(toItems(shown, now))).toEqual([
      '99999999 | ephemeral · no runners',
      '  11111111 | ',
      '    runner 1 | TERMINATED · 1 s · gone',
    ]);
    expect(toItems(shown, now + 298_000)).not.toEqual([]);
    expect(toItems(shown, now + 299_000)).toEqual([]);
  });

  it('shows that a runner ended with its emulator, whatever its last state', () => {
    const fallen = { ...runner, state: 'PENDING', endedAt: now - 2_000, why: 'emulator ended' };
    const [row] = toItems(state({ apps: [app], runners: [fallen] }), now);
    expect(row?.children[0]?.children[0]).toMatchObject({
      description: 'TERMINATED · 2 s · emulator ended',
      spoken: 'runner 1, TERMINATED, less than a minute, emulator ended',
      facts: expect.arrayContaining([{ name: 'Reason', text: 'emulator ended' }]),
    });
  });

  it('leaves out ended runners that were cleared, and no others', () => {
    const ended = { ...runner, id: 'ended', state: 'TERMINATED', endedAt: now - 1_000, why: 'gone' };
    const run = { ...ended, id: 'of-run', alias: '99999999-cccc' };
    const shown = state({ apps: [app], runners: [runner, ended, run] });
    expect(endedRunners(toItems(shown, now))).toEqual(['ended', 'of-run']);
    const after = toItems(shown, now, new Set(['ended', 'of-run', runner.id]));
    expect(draw(after)).toEqual(['hello | 1 runner', '  11111111 | active', '    runner 1 | IDLE · 5 s']);
    expect(endedRunners(after)).toEqual([]);
  });

  it('shows the details in the tooltip', () => {
    const why = 'ValueError: no\n  weights';
    const failing = { ...runner, state: 'FAILURE_DELAY', why, busy: 1, requests: [38] };
    const reason: Reason = { ...noRunner, code: 'start_failures', numbers: { failures: 1 }, until: now + 30_000 };
    const [row] = toItems(state({ apps: [appRow({ revision, queued: 1, reason })], runners: [failing] }), now);
    expect(row?.facts).toEqual([
      { name: '', text: 'local/hello' },
      { name: 'URL', text: app.url, url: app.url },
      { name: 'Callers', text: 'the owner, with a key' },
      { name: 'Revision', text: revision },
      { name: 'Waiting', text: 'Retrying in 30 s after a failed start.' },
    ]);
    const [shown] = row?.children[0]?.children ?? [];
    expect(shown?.description).toBe('FAILURE_DELAY · 5 s · 1 in flight · ValueError: no');
    expect(shown?.facts).toEqual([
      { name: 'Runner', text: runner.id },
      { name: 'State', text: expect.stringMatching(/^FAILURE_DELAY: .*CRASH_BACKOFF/) },
      { name: 'Since', text: expect.stringMatching(/^\d\d:\d\d:\d\d$/) },
      { name: 'Reason', text: 'ValueError: no\n  weights' },
      { name: 'Request', text: '#38' },
    ]);
  });

  it('shows the youngest runner first', () => {
    const young = { ...runner, id: 'young', number: 2, startedAt: now - 1_000 };
    const [row] = toItems(state({ apps: [app], runners: [runner, young] }), now);
    expect(row?.children[0]?.children.map(({ label }) => label)).toEqual(['runner 2', 'runner 1']);
  });

  it('keeps ids over time, and the screen reader’s text for a minute', () => {
    const shown = state({ apps: [app], runners: [runner] });
    const flat = (rows: readonly Row[]): readonly Row[] => rows.flatMap((row) => [row, ...flat(row.children)]);
    const [before, after] = [toItems(shown, now), toItems(shown, now + 20_000)].map(flat);
    expect(after?.map(({ id, spoken }) => [id, spoken])).toEqual(before?.map(({ id, spoken }) => [id, spoken]));
    expect(after).not.toEqual(before);
  });

  it('updates ages every second at first, then every ten, because an updated row loses its tooltip', () => {
    const ageText = (seconds: number) =>
      toItems(state({ apps: [app], runners: [{ ...runner, since: now }] }), now + seconds * 1000)[0]?.children[0]
        ?.children[0]?.description;
    expect([0, 1, 9, 10, 19, 20, 89].map(ageText).map((text) => text?.slice('IDLE · '.length))).toEqual([
      '0 s',
      '1 s',
      '9 s',
      '10 s',
      '10 s',
      '20 s',
      '80 s',
    ]);
  });

  it('includes the visible label in the screen reader’s text', () => {
    const flat = (rows: readonly Row[]): readonly Row[] => rows.flatMap((row) => [row, ...flat(row.children)]);
    const shown = state({ apps: [app], runners: [runner, { ...runner, id: 'other', alias: '99999999-cccc' }] });
    const rows = flat(toItems(shown, now));
    expect(rows.length).toBe(6);
    for (const { label, spoken } of rows) expect(spoken).toContain(label);
  });

  it('ticks only when it shows a runner', () => {
    expect(ticks(toItems(state({ apps: [app] }), now))).toBe(false);
    expect(ticks(toItems(state({ apps: [app], runners: [runner] }), now))).toBe(true);
  });

  it('shows the reason of a state, and an unknown state without failing', () => {
    const [row] = toItems(state({ apps: [app], runners: [{ ...runner, state: 'NEW_WORD', why: 'Because.' }] }), now);
    expect(row?.children[0]?.children[0]).toMatchObject({
      icon: 'question',
      facts: expect.arrayContaining([{ name: 'Reason', text: 'Because.' }]),
    });
  });

  it('shows ages in platform time with a mark, and gives screen readers real time', () => {
    const [row] = toItems(state({ apps: [app], runners: [runner], timeScale: 60 }), now);
    expect(row?.children[0]?.children[0]).toMatchObject({
      description: 'IDLE · 5 min (x60)',
      spoken: 'runner 1, IDLE, less than a minute',
    });
  });
});
