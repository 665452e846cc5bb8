import { describe, expect, it } from 'vitest';
import { until } from '../../test/support/wait.ts';
import type { ReloadAnswer } from '../wire/reload.ts';
import type { LoadError, Loaded, LoaderOrder } from './messages.ts';
import type { Reload } from './post.ts';
import { createReloads, type Done } from './reloads.ts';

const loaded = (id: number): Loaded => ({
  ...{
    event: 'loaded',
    id,
    verdict: 'swap',
    reason: null,
    run: 'cnVu',
    changed: [],
    kept: [],
    delta: null,
    certificate: null,
    files: [],
  },
});
const failure: LoadError = { type: 'SyntaxError', message: "expected ':'", file: '/a.py', line: 22, traceback: '' };
const swapped: ReloadAnswer = {
  ...{ outcome: 'swapped', ms: 5, reason: null, runners: [], kept: [], cleared: [] },
  ...{ sentence: 'Swapped in 5 ms.', revision: 'r2' },
};

/** Reloads whose loader and emulator are the test. */
function scene(answers: readonly (ReloadAnswer | 'busy' | Error)[] = []) {
  const orders: LoaderOrder[] = [];
  const posts: { readonly reload: Reload; answer: (answer: ReloadAnswer | 'busy' | Error) => void }[] = [];
  const done: Done[] = [];
  const troubles: string[] = [];
  let now = 0;
  let pass = () => {};
  const given = [...answers];
  const reloads = createReloads({
    order: (order) => orders.push(order),
    post: (reload) =>
      new Promise((resolve, reject) => {
        const answer = (one: ReloadAnswer | 'busy' | Error) => {
          if (one instanceof Error) reject(one);
          else resolve(one === 'busy' ? { kind: 'busy' } : { kind: 'answer', answer: one });
        };
        posts.push({ reload, answer });
        const next = given.shift();
        if (next) answer(next);
      }),
    swaps: true,
    onDone: (one) => done.push(one),
    onTrouble: (sentence) => troubles.push(sentence),
    clock: () => now,
    sleep: (ms) =>
      ms < 1_000
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            pass = resolve;
          }),
  });
  const saved = (cause: string) => reloads.saved(cause, now);
  return {
    ...{ saved, reloads, orders, posts, done, troubles },
    at(ms: number) {
      now = ms;
    },
    /** The time is over in which runners change their code. */
    pass: () => pass(),
    settled: (count: number) =>
      until('the reload is over', () => done.length + troubles.length === count, { everyMs: 1 }),
  };
}

const load = (id: number, cause: string | null, fresh = false): LoaderOrder => ({
  ...{ op: 'load', id, cause, fresh, swap: !fresh },
});

describe('reloads of an app', () => {
  it('have a save imported, hand it to the emulator, and compare the next one with it', async () => {
    const { saved, reloads, orders, posts, done, at, settled } = scene([swapped]);
    saved('/a.py');
    at(120);
    reloads.reported(loaded(1));
    await settled(1);
    expect(posts[0]?.reload).toEqual({ afterSaveMs: 120, cause: '/a.py', base: null, loaded: loaded(1) });
    expect(orders).toEqual([load(1, '/a.py'), { op: 'accepted', id: 1 }]);
    expect(done).toEqual([{ cause: '/a.py', ms: 120, answer: swapped }]);
  });

  it('import a save again that came during its import, and time it from the first', async () => {
    const { saved, reloads, orders, posts, done, at, settled } = scene([swapped]);
    saved('/a.py');
    at(50);
    saved('/b.py');
    reloads.reported(loaded(1));
    at(90);
    reloads.reported(loaded(2));
    await settled(1);
    expect(orders.slice(0, 2)).toEqual([load(1, '/a.py'), load(2, '/b.py')]);
    expect([posts.length, done[0]?.ms]).toEqual([1, 90]);
  });

  it('let a save wait that comes during a reload', async () => {
    const { saved, reloads, orders, posts, settled } = scene();
    saved('/a.py');
    reloads.reported(loaded(1));
    saved('/b.py');
    saved('/c.py');
    expect(orders).toEqual([load(1, '/a.py')]);
    posts[0]?.answer(swapped);
    await settled(1);
    await until('the next begins', () => orders.length === 3);
    expect(orders.slice(1)).toEqual([{ op: 'accepted', id: 1 }, load(2, '/c.py')]);
  });

  it('don’t let it wait for a restart that a change of code has become', async () => {
    const { saved, reloads, orders, posts, done, pass, settled } = scene();
    saved('/a.py');
    reloads.reported(loaded(1));
    saved('/b.py');
    expect(orders).toEqual([load(1, '/a.py')]);
    pass();
    await until('the later save is imported', () => orders.length === 2, { everyMs: 1 });
    expect(orders[1]).toEqual(load(2, '/b.py'));
    reloads.reported(loaded(2));
    expect(posts.map(({ reload }) => reload.base)).toEqual([null, null]);
    posts[0]?.answer({
      ...swapped,
      outcome: 'failed',
      reason: { code: 'superseded', text: 'A later save came.', remedy: null },
    });
    posts[1]?.answer(swapped);
    await settled(1);
    expect(done.map(({ cause }) => cause)).toEqual(['/b.py']);
  });

  it('don’t hand a save to a busy emulator again after a later one', async () => {
    const { saved, reloads, orders, posts, settled } = scene();
    saved('/a.py');
    reloads.reported({ ...loaded(1), verdict: 'restart' });
    saved('/b.py');
    reloads.reported({ ...loaded(2), verdict: 'restart' });
    posts[0]?.answer('busy');
    posts[1]?.answer({ ...swapped, outcome: 'restarted' });
    await settled(1);
    expect(posts.map(({ reload }) => reload.cause)).toEqual(['/a.py', '/b.py']);
    expect(orders).toContainEqual({ op: 'refused', id: 1 });
    expect(orders).toContainEqual({ op: 'accepted', id: 2 });
  });

  it('don’t forget a restart over a save that follows it', async () => {
    const { saved, reloads, orders } = scene();
    reloads.restart();
    saved('/a.py');
    expect(orders).toEqual([load(1, null, true), load(2, '/a.py', true)]);
  });

  it('name the revision that each save was compared with: the last one that was accepted', async () => {
    const lost = { ...swapped, revision: 'r9', outcome: 'failed' } as const;
    const { saved, reloads, posts, settled } = scene([
      swapped,
      new Error('gone'),
      lost,
      { ...swapped, revision: 'r3' },
    ]);
    for (const id of [1, 2, 3, 4, 5]) {
      saved('/a.py');
      reloads.reported(loaded(id));
      if (id < 5) await settled(id);
    }
    expect(posts.map(({ reload }) => reload.base)).toEqual([null, 'r2', 'r2', 'r2', 'r3']);
  });

  it('don’t wait for a restart, which the next save replaces; its answer isn’t reported', async () => {
    const { saved, reloads, orders, posts, done, settled } = scene();
    saved('/a.py');
    reloads.reported({ ...loaded(1), verdict: 'restart' });
    saved('/b.py');
    expect(orders).toEqual([load(1, '/a.py'), load(2, '/b.py')]);
    reloads.reported(loaded(2));
    posts[0]?.answer({
      ...swapped,
      outcome: 'failed',
      reason: { code: 'superseded', text: 'A later save came.', remedy: null },
    });
    posts[1]?.answer(swapped);
    await settled(1);
    expect(done.map(({ cause }) => cause)).toEqual(['/b.py']);
    expect(posts.map(({ reload }) => reload.base)).toEqual([null, null]);
    expect(orders.slice(2)).toEqual([
      { op: 'refused', id: 1 },
      { op: 'accepted', id: 2 },
    ]);
  });

  it('don’t forget a fresh setup() that is under way over the save that replaces it', async () => {
    const { saved, reloads, orders, posts, settled } = scene();
    reloads.restart();
    reloads.reported({ ...loaded(1), verdict: 'restart' });
    saved('/a.py');
    expect(orders).toEqual([load(1, null, true), load(2, '/a.py', true)]);
    reloads.reported({ ...loaded(2), verdict: 'restart' });
    for (const { answer } of posts) answer({ ...swapped, outcome: 'restarted' });
    await settled(2);
    saved('/b.py');
    expect(orders.at(-1)).toEqual(load(3, '/b.py'));
  });

  it('report code that can’t be imported, and compare the next save with the code that serves', async () => {
    const kept: ReloadAnswer = { ...swapped, outcome: 'kept' };
    const { saved, reloads, orders, posts, done, settled } = scene([kept]);
    saved('/a.py');
    reloads.reported({ event: 'failed', id: 1, error: failure, files: [] });
    await settled(1);
    expect(posts[0]?.reload.loaded).toEqual(failure);
    expect(orders[1]).toEqual({ op: 'refused', id: 1 });
    expect(done[0]).toMatchObject({ error: failure });
  });

  it.each(['failed', 'kept'] as const)('compare the next save with the last that serves after %s', async (outcome) => {
    const { saved, reloads, orders, settled } = scene([{ ...swapped, outcome }]);
    saved('/a.py');
    reloads.reported(loaded(1));
    await settled(1);
    expect(orders[1]).toEqual({ op: 'refused', id: 1 });
  });

  it('wait for a reload of another program, and survive an emulator that doesn’t answer', async () => {
    const { saved, reloads, posts, orders, troubles, settled } = scene(['busy', 'busy', new Error('gone'), swapped]);
    saved('/a.py');
    reloads.reported(loaded(1));
    await settled(1);
    expect([posts.length, troubles]).toEqual([3, ['the emulator did not answer: gone']]);
    saved('/a.py');
    reloads.reported(loaded(2));
    await settled(2);
    expect(orders.at(-1)).toEqual({ op: 'accepted', id: 2 });
  });
});
