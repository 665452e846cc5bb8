import { expect, it } from 'vitest';
import type { LoggedException } from '../../../telemetry/types.ts';
import { demo } from '../testing/demo.ts';
import { restServer } from '../testing/rest.ts';
import { createCurrentExceptions } from './exceptions.ts';

const at = 1_000;
const frame = (line: number, isApp = true) => ({ file: '/work/app.py', line, function: 'f', isApp });
const raised = (phase: LoggedException['exception']['phase'], change: Partial<LoggedException> = {}) => ({
  ...{ seq: 1, at, alias: 'demo', revision: 'r1', runnerId: 'r-1', requestId: null, endpoint: null },
  exception: { type: 'KeyError', message: "'style'", phase, frames: [frame(7)] },
  ...change,
});

/** The exceptions of an emulator with the app `demo`. */
async function scene() {
  const server = await restServer();
  const { runnerHistory, requestHistory } = server;
  const { catalog, runs } = server.rooms;
  catalog.putAlias(demo);
  runnerHistory.started({ id: 'r-1', alias: 'demo', revision: 'r1', machineType: 'XS', startedAt: 1 });
  const hosts = { api: 'a', run: 'b', queue: 'c', ws: 'd' };
  const about = {
    ...{ version: '0', startedAt: 0, timeScale: 1, secrets: 'open' as const },
    isolation: () => ({ mode: 'off' as const, missing: [] }),
    gpuUse: { sample: () => undefined, memoryOf: () => undefined },
  };
  const { fleet, logs, store } = server;
  const rooms = { ...store, catalog, runs, fleet, logs, runnerHistory, requestHistory, hosts, about };
  const exceptions = createCurrentExceptions(rooms);
  return {
    ...server,
    exceptions,
    again: () => createCurrentExceptions(rooms),
    catalog,
    add: (one: LoggedException) => exceptions.add(one)[0] ?? '',
    call(number: number, status: number | undefined, path = '/') {
      const id = `q-${number}`;
      const request = { number, id, alias: 'demo', kind: 'queue', method: 'POST', path, submittedAt: at } as const;
      requestHistory.arrived({ ...request, attempts: 0 });
      requestHistory.began(id, { runnerId: 'r-1', revision: 'r1', readyAt: 0, at });
      if (status === undefined) return;
      requestHistory.answered(id, status);
      requestHistory.ended(id, at, null);
    },
    ready(change: { readonly revision?: string; readonly readyAt?: number }) {
      server.fleet.runners = () => [{ id: 'r-2', alias: 'demo', revision: 'r1', ...change } as never];
    },
  };
}

it('shows the exception of an endpoint from its request, until a later call succeeds', async () => {
  const { exceptions, add, call } = await scene();
  call(1, undefined, '/slow');
  const key = add(raised('request', { requestId: 'q-1' }));
  expect(exceptions.row(key)).toMatchObject({
    request: { number: 1, id: 'q-1', kind: 'queue', method: 'POST', path: '/slow' },
    runner: { id: 'r-1', number: 1, startedAt: 1 },
    exception: { type: 'KeyError', frames: [frame(7)] },
  });
  call(2, 500, '/slow');
  call(3, 200, '/');
  expect(exceptions.keysOf('demo')).toEqual([key]);
  add(raised('request', { requestId: 'q-2' }));
  expect(exceptions.row(key)?.request?.number).toBe(2);
  call(4, 200, '/slow');
  expect(exceptions.row(key)).toBeUndefined();
  expect(exceptions.keysOf('demo')).toEqual([]);
});

it('keeps an exception that came back after a success of the same code, until other code is deployed', async () => {
  const { exceptions, add, call, catalog } = await scene();
  const fails = (n: number, line = 7) => {
    call(n, 500);
    const exception = { type: 'KeyError', message: '', phase: 'request' as const, frames: [frame(line)] };
    return add(raised('request', { requestId: `q-${n}`, exception }));
  };
  const key = fails(1);
  call(2, 200);
  expect(exceptions.row(key)).toBeUndefined();
  fails(3, 8);
  call(4, 200);
  expect(exceptions.row(key)).toBeUndefined();
  // Other inputs succeed, so a success doesn't say that this line was fixed.
  fails(5);
  call(6, 200);
  expect(exceptions.row(key)?.request?.number).toBe(5);
  catalog.putAlias({ ...demo, revision: 'r2' });
  expect(exceptions.row(key)).toBeUndefined();
});

it('finds the exceptions of endpoints again after the emulator was restarted', async () => {
  const { again, call, logs, requestHistory } = await scene();
  call(1, undefined);
  const { seq: _, ...one } = raised('request', { requestId: 'q-1' });
  logs.appendException(one);
  requestHistory.answered('q-1', 500);
  requestHistory.ended('q-1', at, null);
  call(2, 200, '/other');
  const later = again();
  const [key = '', ...others] = later.recall('demo');
  expect(others).toEqual([]);
  expect(later.row(key)).toMatchObject({ request: { number: 1 }, exception: { type: 'KeyError', frames: [frame(7)] } });
  expect(later.recall('demo')).toEqual([]);
});

it('shows the exception of a start until a later runner of that code, or of newer code, is ready', async () => {
  const { exceptions, add, ready, catalog } = await scene();
  const key = add(raised('setup'));
  for (const state of [{}, { readyAt: at - 1 }]) {
    ready(state);
    expect(exceptions.row(key)).toBeDefined();
  }
  ready({ readyAt: at + 1 });
  expect(exceptions.row(key)).toBeUndefined();
  // A rollout failed: runners of the old code say nothing about the new one.
  add(raised('setup', { revision: 'r2' }));
  expect(exceptions.row(key)).toBeDefined();
  ready({ readyAt: at + 1, revision: 'r3' });
  expect(exceptions.row(key)).toBeUndefined();
  add(raised('setup'));
  catalog.deleteAlias('demo');
  expect(exceptions.row(key)).toBeUndefined();
});

it('keeps the exceptions of a run that has ended', async () => {
  const { exceptions, add } = await scene();
  const key = add(raised('setup', { alias: 'a-uuid', revision: 'a-uuid' }));
  expect(exceptions.row(key)).toMatchObject({ alias: 'a-uuid' });
});

it('ends the exceptions of a run with the next reload, and not with one that fails', async () => {
  const { exceptions, add, fleet, requestHistory } = await scene();
  const alias = 'a-uuid';
  const runs = (revision: string) => {
    fleet.counts = () => ({ revision, queued: 0, starting: 0, ready: 1, busy: 0, others: 0 });
  };
  runs('r1');
  const call = { number: 1, id: 'q-1', alias, kind: 'queue', method: 'POST', path: '/', submittedAt: at } as const;
  requestHistory.arrived({ ...call, attempts: 0 });
  requestHistory.began('q-1', { runnerId: 'r-1', revision: 'r1', readyAt: 0, at });
  requestHistory.answered('q-1', 500);
  requestHistory.ended('q-1', at, null);
  const keys = [
    add(raised('request', { alias, revision: 'r1', requestId: 'q-1' })),
    // The reload to `second` failed: its setup() raised this.
    add(raised('setup', { alias, revision: 'second' })),
    add(raised('build', { alias, revision: null, runnerId: null })),
  ];
  expect(keys.map((key) => exceptions.row(key) !== undefined)).toEqual([true, true, true]);
  runs('third');
  expect(keys.map((key) => exceptions.row(key) !== undefined)).toEqual([false, false, false]);
});

it('shows a requirement until the app gets another revision', async () => {
  const { exceptions, add, catalog } = await scene();
  const key = add(raised('build', { revision: null, runnerId: null }));
  expect(exceptions.row(key)).toMatchObject({ request: null, runner: null });
  catalog.putAlias({ ...demo, revision: 'r2' });
  expect(exceptions.row(key)).toBeUndefined();
});

it('has the innermost frames of the app, and the last exceptions', async () => {
  const { exceptions, add } = await scene();
  const frames = [frame(1, false), ...Array.from({ length: 30 }, (_, n) => frame(n + 2)), frame(99, false)];
  const exception = { type: 'E', message: '', phase: 'setup' as const, frames };
  const first = add(raised('setup', { alias: 'other-0', exception }));
  expect(exceptions.row(first)?.exception.frames.map(({ line }) => line)).toEqual([
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
  ]);
  for (let n = 1; n <= 99; n++) add(raised('setup', { alias: `other-${n}` }));
  expect(exceptions.add(raised('setup', { alias: 'other-100' }))).toEqual(['other-100 start', first]);
  expect(exceptions.row(first)).toBeUndefined();
});
