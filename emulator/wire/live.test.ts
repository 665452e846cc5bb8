import { describe, expect, it } from 'vitest';
import {
  type AppRow,
  changeEventSchema,
  type Head,
  type LiveChange,
  type LiveState,
  liveState,
  type RequestRow,
  type RunnerRow,
  requestPageSchema,
  runnerDetailSchema,
  runnerPageSchema,
  stateEventSchema,
  withLiveChange,
} from './live.ts';

const head: Head = {
  version: '1',
  pid: 1,
  startedAt: 1,
  timeScale: 1,
  owner: 'local',
  secrets: 'open',
  isolation: { mode: 'off', missing: [] },
  trouble: null,
  troubleWhy: null,
  gpus: [],
  requests: { waiting: 0, running: 0, finished: 0 },
  endedRunners: 0,
};

const app = (alias: string, queued = 0): AppRow => ({
  alias,
  kind: 'deployed',
  appName: null,
  revision: 'r',
  authMode: 'private',
  url: `https://localhost/local/${alias}`,
  counts: { queued, running: 0, starting: 0, ready: 0, busy: 0, others: 0 },
  ended: { count: 0, last: null },
  reason: null,
  lastFailure: null,
  reload: null,
  endpoints: [],
  scaling: null,
});

const runner = (number: number, state = 'IDLE'): RunnerRow => ({
  id: `id-${number}`,
  number,
  alias: 'a',
  revision: 'r',
  machineType: 'XS',
  state,
  since: 1,
  until: null,
  startedAt: 1,
  busy: 0,
  requests: [],
  lastLine: null,
  why: null,
  reason: null,
  debug: null,
  debugSince: null,
  isChanging: false,
  endedAt: null,
});

const request = (number: number): RequestRow => ({
  number,
  id: `q-${number}`,
  alias: 'a',
  kind: 'queue',
  method: 'POST',
  path: '/',
  phase: 'IN_QUEUE',
  submittedAt: 1,
  startedAt: null,
  completedAt: null,
  attempts: 0,
  runner: null,
  coldMs: null,
  status: null,
  error: null,
  ahead: 0,
  reason: null,
});

const change = (fields: unknown): LiveChange => changeEventSchema.parse(fields);
const keys = ({ apps, runners, requests }: LiveState) => [[...apps.keys()], [...runners.keys()], [...requests.keys()]];

describe('a client’s state', () => {
  const first = liveState(
    stateEventSchema.parse({ head, apps: [app('a'), app('b')], runners: [runner(1)], requests: [request(7)] }),
  );

  it('is what the event `state` says', () => {
    expect(keys(first)).toEqual([['a', 'b'], ['id-1'], [7]]);
  });

  it('takes new and changed rows whole, in their place, and drops those that are gone', () => {
    const next = withLiveChange(
      first,
      change({ apps: [app('c'), app('a', 2)], runners: [runner(2)], cleared: { apps: ['b'], requests: [7, 8] } }),
    );
    expect(keys(next)).toEqual([['a', 'c'], ['id-1', 'id-2'], []]);
    expect(next.apps.get('a')?.counts.queued).toBe(2);
    expect(keys(first)).toEqual([['a', 'b'], ['id-1'], [7]]);
  });

  it('keeps the parts that a change does not mention as the same objects', () => {
    const next = withLiveChange(first, change({ runners: [runner(1, 'RUNNING')] }));
    expect([next.head === first.head, next.apps === first.apps, next.requests === first.requests]).toEqual([
      true,
      true,
      true,
    ]);
    expect(withLiveChange(first, change({ head: { ...head, trouble: 'Full.' } })).head.trouble).toBe('Full.');
  });

  it('has rows that pages and details have, too', () => {
    expect(requestPageSchema.parse({ requests: [request(7)], before: null }).requests).toHaveLength(1);
    expect(runnerPageSchema.parse({ runners: [runner(1)], before: 'id-1' }).before).toBe('id-1');
    expect(runnerDetailSchema.parse({ ...runner(1), transitions: [] }).transitions).toEqual([]);
  });
});
