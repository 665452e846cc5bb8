import { describe, expect, it } from 'vitest';
import { setUp } from './testing/room.ts';
import type { Page } from './types.ts';

const timeout = { type: 'request_timeout', status: 504, detail: 'too late' };
const never = new AbortController().signal;
const numbers = (requests: readonly { readonly number: number }[]) => requests.map(({ number }) => number);

describe('the history of requests', () => {
  it('keeps the name of the app of a run with its requests', () => {
    const names = new Map([['a-run', 'painter']]);
    const room = setUp({ appNameOf: (alias) => names.get(alias) });
    room.arrive('q-1', { alias: 'a-run' });
    room.begin('q-1');
    room.succeed('q-1');
    room.arrive('q-2');
    names.clear();
    room.restart();
    expect(room.history.get('1')?.appName).toBe('painter');
    expect(room.history.get('2')?.appName).toBeUndefined();
  });

  it('has a request from its arrival to its end, by id and by number', () => {
    const room = setUp();
    const { history } = room;
    room.arrive('q-1');
    expect(history.get('1')).toMatchObject({ id: 'q-1', phase: 'IN_QUEUE', attempts: 0, runner: null });
    room.begin('q-1');
    expect(history.get('q-1')).toMatchObject({ phase: 'IN_PROGRESS', runner: { number: 2 }, startedAt: 3_000 });
    expect([history.running('app'), history.counts()]).toEqual([1, { waiting: 0, running: 1, finished: 0 }]);
    room.succeed('q-1');
    expect(history.get('1')).toMatchObject({ phase: 'COMPLETED', status: 200, completedAt: 4_000, error: null });
    expect([history.running('app'), history.counts()]).toEqual([0, { waiting: 0, running: 0, finished: 1 }]);
  });

  it('has each attempt, and why another one followed', () => {
    const room = setUp();
    room.arrive('q-1');
    room.begin('q-1');
    room.history.answered('q-1', 503);
    room.history.requeued('q-1', 3_500, 'the app answered 503');
    expect(room.history.get('q-1')).toMatchObject({ phase: 'IN_QUEUE', attempts: 1 });
    room.begin('q-1', { runnerId: 'r-3', at: 5_000 });
    room.history.ended('q-1', 9_000, timeout);
    const runner = (number: number) => ({ id: `r-${number}`, number });
    expect(room.history.get('q-1')).toMatchObject({
      attempts: 2,
      status: 504,
      error: { type: 'request_timeout', message: 'too late' },
      history: [
        {
          number: 1,
          runner: runner(2),
          startedAt: 3_000,
          endedAt: 3_500,
          status: 503,
          because: 'the app answered 503',
        },
        { number: 2, runner: runner(3), startedAt: 5_000, endedAt: 9_000, status: null, because: 'too late' },
      ],
    });
  });

  it('says how long a request waited for the start of its runner', () => {
    const room = setUp();
    for (const id of ['cold', 'warm', 'behind']) room.arrive(id);
    room.begin('cold', { readyAt: 2_900 });
    room.begin('warm', { readyAt: 900 });
    room.begin('behind', { readyAt: 2_900, at: 30_000 });
    const coldMs = ['cold', 'warm', 'behind'].map((id) => room.history.get(id)?.coldMs);
    expect(coldMs).toEqual([1_900, null, null]);
  });

  it('is the same after a restart: what ended, what ran, and what waits with its attempts so far', () => {
    const room = setUp();
    for (const id of ['done', 'retried', 'direct']) room.arrive(id, id === 'direct' ? { kind: 'direct' } : {});
    for (const id of ['done', 'retried', 'direct']) room.begin(id);
    room.succeed('done');
    room.history.requeued('retried', 3_500, 'the app answered 503');
    const before = room.history.get('done');
    room.restart();
    expect(room.history.get('done')).toEqual(before);
    expect(room.history.lastNumber()).toBe(3);
    room.arrive('retried', { number: 2, attempts: 1 });
    room.history.requeued('retried', 9_000, 'the runner ended when the emulator stopped');
    room.history.concludeRecovery(() => undefined);
    expect(room.history.get('retried')).toMatchObject({
      phase: 'IN_QUEUE',
      attempts: 1,
      history: [{ because: 'the app answered 503' }],
    });
    expect(room.history.get('direct')).toMatchObject({
      phase: 'COMPLETED',
      error: { type: 'emulator_ended' },
      history: [{ endedAt: null, because: 'The emulator ended.' }],
    });
  });

  it('takes the end of a request from the queue when the last moments before a crash are missing', () => {
    const room = setUp();
    room.arrive('q-1');
    room.begin('q-1');
    room.restart();
    const end = { completedAt: 4_000, status: 200, error: null };
    room.history.concludeRecovery((id) => (id === 'q-1' ? end : undefined));
    expect(room.history.get('q-1')).toMatchObject({ phase: 'COMPLETED', ...end });
  });

  it('has what the app raised, instead of nothing but a status', () => {
    const room = setUp();
    const raised = { type: 'builtins.KeyError', message: "'style'", file: 'app.py', line: 38 };
    for (const id of ['early', 'late', 'timeout']) {
      room.arrive(id);
      room.begin(id);
    }
    room.history.raised('early', 'r-2', raised);
    room.succeed('early', 4_000, 500);
    room.succeed('late', 4_000, 500);
    expect(room.history.endpoints('app', 'r1')?.[0]?.lastFailure?.message).toBe('HTTP 500');
    room.history.raised('late', 'r-2', raised);
    expect(room.history.endpoints('app', 'r1')?.[0]?.lastFailure?.message).toBe("KeyError: 'style'");
    room.history.ended('timeout', 4_000, timeout);
    room.history.raised('timeout', 'r-2', raised);
    const errors = ['early', 'late', 'timeout'].map((id) => room.history.get(id)?.error?.type);
    expect(errors).toEqual(['builtins.KeyError', 'builtins.KeyError', 'request_timeout']);
  });

  it('takes what was raised from the runner of the latest attempt alone', () => {
    const room = setUp();
    const raised = { type: 'KeyError', message: "'style'", file: 'app.py', line: 38 };
    room.arrive('q-1');
    room.begin('q-1');
    expect(room.history.raised('q-1', 'r-9', raised)).toBe(false);
    room.history.requeued('q-1', 3_500, 'the app answered 503');
    room.begin('q-1', { runnerId: 'r-3' });
    expect(room.history.raised('q-1', 'r-2', raised)).toBe(true);
    expect(room.history.get('q-1')?.error).toBeNull();
    expect(room.history.raised('q-1', 'r-3', raised)).toBe(true);
    expect(room.history.get('q-1')?.error).toEqual(raised);
    expect(room.history.raised('unknown', 'r-3', raised)).toBe(true);
  });

  it('forgets what an earlier attempt raised when another one begins', () => {
    const room = setUp();
    room.arrive('q-1');
    room.begin('q-1');
    room.history.raised('q-1', 'r-2', { type: 'KeyError', message: "'style'", file: 'app.py', line: 38 });
    room.history.answered('q-1', 503);
    room.history.requeued('q-1', 3_500, 'the app answered 503');
    room.begin('q-1', { runnerId: 'r-3', at: 3_600 });
    room.succeed('q-1');
    expect(room.history.get('q-1')).toMatchObject({ status: 200, error: null });
    expect(room.history.endpoints('app', 'r1')).toMatchObject([{ calls: 1, failures: 0 }]);
  });

  it('knows the last ones that ended in their order, with those before a restart', () => {
    const room = setUp();
    const finish = (from: number, to: number) => {
      for (let n = from; n <= to; n++) {
        room.arrive(`q-${n}`);
        room.begin(`q-${n}`);
        room.succeed(`q-${n}`);
      }
    };
    const last = () => numbers(room.history.recent(1_000).finished);
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
    finish(1, 150);
    room.restart();
    finish(151, 240);
    expect(last()).toEqual(range(41, 240));
    finish(241, 500);
    room.history.raised('q-450', 'r-2', { type: 'KeyError', message: 'late', file: 'app.py', line: 3 });
    expect(last()).toEqual(range(301, 500));
  });

  it('notifies its followers of every change, by app', () => {
    const room = setUp();
    const seen: string[] = [];
    const stop = room.history.follow((alias) => void seen.push(alias));
    room.arrive('q-1');
    room.begin('q-1');
    room.succeed('q-1');
    stop();
    room.arrive('q-2');
    expect(seen).toEqual(['app', 'app', 'app']);
  });
});

describe('a page of requests', () => {
  function filled() {
    const room = setUp();
    for (let n = 1; n <= 10; n++) {
      const id = `q-${n}`;
      room.arrive(id, { alias: n % 2 === 0 ? 'even' : 'odd', path: n > 8 ? '/last' : '/slow' });
      if (n === 10) continue;
      room.begin(id);
      if (n === 9) continue;
      room.succeed(id, 4_000, n === 3 ? 500 : 200);
    }
    return room;
  }

  it('is newest first, and each page begins where the one before it ended', async () => {
    const { history } = filled();
    const pages: number[][] = [];
    for (let before: number | undefined; ; ) {
      const page = await history.page({ limit: 4, ...(before === undefined ? {} : { before }) }, never);
      pages.push(numbers(page.requests));
      if (page.before === null) break;
      before = page.before;
    }
    expect(pages.flat()).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(pages.every((page) => page.length <= 4)).toBe(true);
  });

  it.each([
    [{ alias: 'odd' }, [9, 7, 5, 3, 1]],
    [{ state: 'waiting' }, [10]],
    [{ state: 'running' }, [9]],
    [{ state: 'failed' }, [3]],
    [{ state: 'done', alias: 'odd' }, [7, 5, 1]],
    [{ text: 'LAST' }, [10, 9]],
    [{ text: '%' }, []],
  ] as const)('has those of %o', async (query, expected) => {
    expect(numbers((await filled().history.page({ limit: 100, ...query }, never)).requests)).toEqual(expected);
  });

  it('has requests that wait, however many of other apps arrived after them', async () => {
    const room = setUp();
    for (let n = 1; n <= 12; n++) room.arrive(`q-${n}`, { alias: n <= 3 ? 'early' : 'late' });
    const read = async (query: { readonly alias?: string }): Promise<number[]> => {
      const page = (before?: number) => room.history.page({ limit: 5, ...query, ...(before ? { before } : {}) }, never);
      const seen: number[] = [];
      for (let next: number | null | undefined; next !== null; ) {
        const { requests, before } = await page(next);
        seen.push(...numbers(requests));
        next = before;
      }
      return seen;
    };
    expect(await read({})).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(await read({ alias: 'early' })).toEqual([3, 2, 1]);
  });

  it.each(['base 10: "abc"', 'C:\\temp', 'a\nb'])('finds %j in an error', async (text) => {
    const room = setUp();
    room.arrive('q-1');
    room.begin('q-1');
    room.history.raised('q-1', 'r-2', { type: 'ValueError', message: `before ${text} after`, file: null, line: null });
    room.succeed('q-1', 4_000, 500);
    expect(numbers((await room.history.page({ limit: 5, text }, never)).requests)).toEqual([1]);
  });

  it('costs the same with very many requests: it looks at a range of numbers and says where to go on', async () => {
    const room = setUp();
    room.arrive('first');
    room.begin('first');
    room.succeed('first');
    room.arrive('far', { number: 50_000 });
    room.begin('far');
    room.succeed('far');
    const seen: number[] = [];
    let pages = 0;
    for (let before: number | null = 60_000; before !== null; pages++) {
      const page: Page = await room.history.page({ limit: 10, before }, never);
      seen.push(...numbers(page.requests));
      before = page.before;
    }
    expect([seen, pages]).toEqual([[50_000, 1], 3]);
  });
});

describe('what is kept', () => {
  it('are the newest requests, within their retention', async () => {
    const room = setUp({ kept: 3, retentionMs: 10_000 });
    for (let n = 1; n <= 6; n++) {
      room.arrive(`q-${n}`);
      room.begin(`q-${n}`);
      room.succeed(`q-${n}`, n * 1_000);
    }
    await room.history.prune(6_000);
    room.restart();
    expect(numbers((await room.history.page({ limit: 10 }, never)).requests)).toEqual([6, 5, 4, 3]);
    expect(room.history.counts().finished).toBe(4);
    await room.history.prune(15_500);
    expect(numbers((await room.history.page({ limit: 10 }, never)).requests)).toEqual([6]);
  });
});
