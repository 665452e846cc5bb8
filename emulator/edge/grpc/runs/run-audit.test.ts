import { expect, it } from 'vitest';
import { until } from '../../../../test/support/wait.ts';
import type { Copied } from '../../../exchange/copies.ts';
import type { DirectCall, Sink } from '../../../exchange/direct.ts';
import type { RunnerWatcher } from '../../../fleet/types.ts';
import type { ReloadAudit } from '../../../wire/reload.ts';
import { createAudits } from './run-audit.ts';

const json = [['content-type', 'application/json']] as const;
const copied: Copied = {
  ...{ method: 'POST', path: '/', query: '', body: Buffer.from('{}') },
  headers: [['x-fal-request-id', 'first'], ...json],
  answer: { status: 200, contentType: 'application/json', body: Buffer.from('{"n":1}') },
};

/** Audits of a run whose fresh runners answer as `answer` does. */
function setUp(answer: (sink: Sink, watch: RunnerWatcher, gone: AbortSignal) => Promise<void> | void) {
  const calls: string[] = [];
  const made: DirectCall[] = [];
  const reports: ReloadAudit[] = [];
  const taken: ((copy: Copied) => void)[] = [];
  let watch: RunnerWatcher = () => undefined;
  const fleet = {
    deploy: async ({ alias }: { readonly alias: string }, launch?: object) => {
      const not = ['development', 'release'].filter((name) => launch && name in launch);
      calls.push(['deploy', ...not].join(' with '));
      expect(alias).not.toBe('app');
      return { kind: 'moved' as const };
    },
    removeAlias: () => void calls.push('remove'),
    watchRunners: (_: string, watcher: RunnerWatcher) => {
      watch = watcher;
      return () => void calls.push('unwatch');
    },
  };
  const copies = {
    next: (alias: string, take: (copy: Copied) => void) => {
      expect(alias).toBe('app');
      taken.push(take);
      return () => void calls.push('forget');
    },
  };
  const call = async (one: DirectCall, sink: Sink, gone: unknown) => {
    made.push(one);
    await answer(sink, watch, gone as AbortSignal);
  };
  const run = new AbortController();
  const rooms = { fleet, copies, calls: { call }, clock: () => 1 } as unknown as Parameters<typeof createAudits>[0];
  const audits = createAudits(rooms, 'app', run.signal);
  return {
    ...{ audits, calls, made, reports, taken, run },
    begin: () =>
      audits.begin({ development: true, release() {} } as never, {} as never, (found) => void reports.push(found)),
  };
}

/** Waits until so many apps of fresh runners were removed, and so many audits reported. */
const finished = (calls: readonly string[], removed: number, reports: readonly ReloadAudit[], reported: number) =>
  until(
    'the audit has finished',
    () => calls.filter((name) => name === 'remove').length >= removed && reports.length >= reported,
    { everyMs: 1 },
  );

function answers(body: string) {
  return (sink: Sink) => {
    sink.start(200, json);
    sink.write(Buffer.from(body));
    sink.end();
  };
}

it('asks a fresh runner, which ends afterwards but keeps the code of the run, and reports the comparison', async () => {
  const { begin, calls, made, reports, taken } = setUp(answers('{"n":"one"}'));
  begin();
  expect(calls).toEqual([]);
  taken[0]?.(copied);
  await finished(calls, 1, reports, 1);
  expect(reports).toMatchObject([{ outcome: 'different', places: ['$.n is a text in place of a number'] }]);
  expect(calls).toEqual(['deploy', 'unwatch', 'remove']);
  expect(made).toMatchObject([{ method: 'POST', path: '/', info: { isUnlisted: true, noRetry: true } }]);
  expect(Object.fromEntries(made[0]?.headers ?? [])['x-fal-request-id']).toBe(made[0]?.info.id);
});

it('gives up with the reason when the fresh runner does not start', async () => {
  const { begin, calls, reports, taken } = setUp((_, watch, gone) => {
    watch({ state: 'failureDelay', reason: 'setup() raised ValueError', runnerId: 'r' } as never);
    expect(gone.aborted).toBe(true);
  });
  begin();
  taken[0]?.(copied);
  await finished(calls, 1, reports, 1);
  expect(reports).toMatchObject([
    { outcome: 'failed', sentence: expect.stringContaining('setup() raised ValueError') },
  ]);
  expect(calls).toContain('remove');
});

it('compares no part of an answer: of a runner that ends meanwhile, or of one without an end', async () => {
  const part = setUp((sink, watch) => {
    sink.start(200, json);
    sink.write(Buffer.from('{"n":'));
    watch({ state: 'terminated', reason: 'it was killed', runnerId: 'r' } as never);
  });
  part.begin();
  part.taken[0]?.(copied);
  await finished(part.calls, 1, part.reports, 1);
  expect(part.reports).toMatchObject([{ outcome: 'failed', sentence: expect.stringContaining('it was killed') }]);

  let chunks = 0;
  const endless = setUp((sink, _watch, gone) => {
    sink.start(200, json);
    for (; !gone.aborted && chunks < 100; chunks++) sink.write(Buffer.alloc(1 << 20));
  });
  endless.begin();
  endless.taken[0]?.(copied);
  await finished(endless.calls, 1, endless.reports, 1);
  expect(chunks).toBe(17);
  expect(endless.reports).toMatchObject([
    { outcome: 'failed', sentence: expect.stringContaining('larger than 16 MiB') },
  ]);
});

it('of an earlier save ends without a report, as does that of a run that has ended', async () => {
  const waits = async (_sink: Sink, _watch: RunnerWatcher, gone: AbortSignal) => {
    if (!gone.aborted) await new Promise((resolve) => gone.addEventListener('abort', resolve));
  };
  const { begin, calls, reports, taken, run } = setUp(waits);
  begin();
  taken[0]?.(copied);
  begin();
  await finished(calls, 1, reports, 0);
  expect(calls).toEqual(['deploy', 'forget', 'unwatch', 'remove']);
  taken[1]?.(copied);
  run.abort();
  await finished(calls, 2, reports, 0);
  expect(calls.filter((name) => name === 'remove')).toHaveLength(2);
  expect(reports).toEqual([]);
});
