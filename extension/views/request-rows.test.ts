import { describe, expect, it } from 'vitest';
import type { Reason, RequestRow } from '../target/live.ts';
import { appRow, liveWith } from '../target/testing/live.ts';
import { ordinal, type RequestFilter, requestItems } from './request-rows.ts';
import { ticks } from './row.ts';
import { draw, seenOf } from './testing/draw.ts';
import { unclear } from './testing/meaning.ts';

const now = 1_000_000_000;

function request(change: Partial<RequestRow> & { readonly number: number }): RequestRow {
  return {
    id: `id-${change.number}`,
    alias: 'hello',
    kind: 'queue',
    method: 'POST',
    path: '/slow',
    phase: 'COMPLETED',
    submittedAt: now - 20_000,
    startedAt: now - 20_000,
    completedAt: now - 19_986,
    attempts: 1,
    runner: { id: 'r', number: 2 },
    coldMs: null,
    status: 200,
    error: null,
    ahead: null,
    reason: null,
    ...change,
  };
}

const busy: Reason = {
  code: 'slots_busy',
  numbers: { runners: 2 },
  since: now,
  until: null,
  evidence: null,
  action: null,
  also: null,
};
const waiting = { phase: 'IN_QUEUE', startedAt: null, completedAt: null, status: null, runner: null } as const;
const all = [
  request({ number: 41, ...waiting, ahead: 2, reason: busy }),
  request({ number: 39, phase: 'IN_PROGRESS', startedAt: now - 4_000, completedAt: null, status: null }),
  request({
    number: 38,
    path: '/',
    status: 500,
    error: { type: 'builtins.KeyError', message: "'style'", file: '/w/app.py', line: 31 },
  }),
  request({ number: 37, path: '/' }),
  request({ number: 36, path: '/', completedAt: now - 14_700, coldMs: 5_200 }),
];

function items(requests: readonly RequestRow[], filter: RequestFilter = {}, finished = 3) {
  const live = liveWith({ apps: [appRow()], requests });
  const head = { ...live.head, requests: { waiting: 1, running: 1, finished } };
  return requestItems({ snapshot: { live: { ...live, head } }, filter }, now);
}

describe('the view Requests', () => {
  it('shows position and reason, runner, error with its line, and what was cold', () => {
    const rows = items([...all].reverse());
    expect(draw(rows)).toEqual([
      '#41 POST /slow | 3rd · 2 of 2 busy',
      '#39 POST /slow | 4 s · runner 2',
      "#38 POST / | 500 · KeyError line 31: 'style'",
      '#37 POST / | 200 · 14 ms',
      '#36 POST / | 200 · 5.3 s cold',
    ]);
    expect(rows.map(({ kind }) => kind)).toEqual([
      'request.waiting',
      'request.running',
      'request.done',
      'request.done',
      'request.done',
    ]);
    expect(rows[2]?.icon).toBe('error');
    expect(ticks(rows)).toBe(true);
    expect(ticks(items(all.slice(2)))).toBe(false);
  });

  it('has one row for older ones, and none when there are none', () => {
    expect(draw(items(all, {}, 10_000)).at(-1)).toBe('9,997 older | ');
    expect(draw(items(all, {}, 3)).at(-1)).toBe('#36 POST / | 200 · 5.3 s cold');
  });

  it.each<[RequestFilter, readonly string[]]>([
    [{ state: 'waiting' }, ['#41']],
    [{ state: 'running' }, ['#39']],
    [{ state: 'failed' }, ['#38']],
    [{ state: 'done' }, ['#37', '#36']],
    [{ text: 'keyerror' }, ['#38']],
    [{ text: '#37' }, ['#37']],
    [{ alias: 'other' }, []],
  ])('can be filtered by %j', (filter, expected) => {
    expect(items(all, filter).map(({ label }) => label.split(' ')[0])).toEqual(expected);
  });

  it('names the app only where there are several, and offers queue actions only for requests of the queue', () => {
    const live = liveWith({
      apps: [appRow(), appRow({ alias: 'other' })],
      requests: [request({ number: 1, kind: 'direct', attempts: 2 })],
    });
    const [row] = requestItems({ snapshot: { live } }, now);
    expect(row).toMatchObject({ description: '200 · 14 ms · attempt 2 · hello', kind: 'request.direct' });
  });

  it.each([
    ['client_cancelled', 'cancelled'],
    ['client_disconnected', 'its caller left'],
  ])('says of the error %s that the request was %s, which is no failure', (type, words) => {
    const error = { type, message: 'The request was cancelled.', file: null, line: null };
    const [row] = items([request({ number: 5, status: 499, error })]);
    expect(row).toMatchObject({ description: words, icon: 'circle-slash' });
    expect(row?.spoken).toBe(`request 5, POST /slow of hello, ${words}, less than a minute ago`);
    expect(unclear([`${row?.label} ${row?.description}`])).toEqual([]);
  });

  it('names the app wherever requests of several are listed, also of those that have ended, and finds it', () => {
    const alias = 'dfeb630e-dfe7-42b6-a6de-a13d6acf33d8';
    const ended = request({ number: 1, alias, appName: 'pain\nter' });
    const live = liveWith({ apps: [appRow()], requests: [request({ number: 2 }), ended] });
    const rows = (filter = {}) => draw(requestItems({ snapshot: { live }, filter }, now));
    expect(rows()).toEqual(['#2 POST /slow | 200 · 14 ms · hello', '#1 POST /slow | 200 · 14 ms · pain\\nter (run)']);
    expect(rows({ text: 'TER (run' })).toHaveLength(1);
    const deployed = liveWith({ apps: [appRow({ alias }), appRow()], requests: [request({ number: 1, alias })] });
    expect(draw(requestItems({ snapshot: { live: deployed } }, now))[0]).toContain(alias);
    const own = liveWith({ apps: [appRow()], requests: [request({ number: 2 })] });
    expect(draw(requestItems({ snapshot: { live: own } }, now))).toEqual(['#2 POST /slow | 200 · 14 ms']);
  });

  it('names a run by its app', () => {
    const live = liveWith({
      apps: [appRow(), appRow({ alias: 'dfeb630e-dfe7-42b6-a6de-a13d6acf33d8', kind: 'run' })],
      requests: [
        request({ number: 2, alias: 'dfeb630e-dfe7-42b6-a6de-a13d6acf33d8', appName: 'painter' }),
        request({ number: 1, alias: 'dfeb630e-dfe7-42b6-a6de-a13d6acf33d8' }),
      ],
    });
    expect(draw(requestItems({ snapshot: { live } }, now))).toEqual([
      '#2 POST /slow | 200 · 14 ms · painter (run)',
      '#1 POST /slow | 200 · 14 ms · fal run',
    ]);
    expect(requestItems({ snapshot: { live } }, now)[0]?.spoken).toMatch(
      /^request 2, POST \/slow of painter \(run\), done/,
    );
  });

  it('holds what a request is, and how it is doing, in what a side bar of 300 pixels shows', () => {
    const long = all.map((one) => ({ ...one, number: one.number + 10_000, path: `/${'long'.repeat(20)}` }));
    for (const { text } of seenOf(items([...all, ...long]))) {
      expect(text).toMatch(/^#\d+ POST \S+ (3rd|4 s|500|200)/);
    }
  });

  it('words positions', () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).join(' ')).toBe(
      '1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th',
    );
  });
});
