import type { RequestIndex } from './indexes.ts';
import { insert, type Key, remove, type Sorted } from './sorted.ts';
import type { LiveRequest } from './world.ts';

type Marks = { readonly [T in keyof RequestIndex]: Key | null };

const absent: Marks = { waiting: null, ready: null, bySince: null, delayed: null, deadlines: null, running: null };

/**
 * Where the durable queue begins among waiting requests; direct requests skip the queue
 * (docs/platform/runners.md#queue).
 */
export const queueBegin: Key = [1];

/** Direct ones, then all `normal` before any `low`, each by age. */
export function dispatchKey({ info, seq }: Pick<LiveRequest, 'info' | 'seq'>): Key {
  const queued = info.priority === 'low' ? 2 : 1;
  return [info.kind === 'direct' ? 0 : queued, info.submittedAt, seq];
}

/** The index after one request changed from `before` to `after`. `undefined`: the request is new, or was removed. */
export function indexRequest(
  index: RequestIndex,
  before: LiveRequest | undefined,
  after: LiveRequest | undefined,
): RequestIndex {
  const was = before === undefined ? absent : marks(before);
  const is = after === undefined ? absent : marks(after);
  const id = (after ?? before)?.info.id ?? '';
  const put = (tree: Sorted<string>, name: keyof Marks): Sorted<string> => replaceKey(tree, was[name], is[name], id);
  return {
    waiting: put(index.waiting, 'waiting'),
    ready: put(index.ready, 'ready'),
    bySince: put(index.bySince, 'bySince'),
    delayed: put(index.delayed, 'delayed'),
    deadlines: put(index.deadlines, 'deadlines'),
    running: put(index.running, 'running'),
  };
}

/** Moves `value` from one key to another; equal keys cost nothing. `null`: not in the tree. */
export function replaceKey<V>(tree: Sorted<V>, from: Key | null, to: Key | null, value: V): Sorted<V> {
  if (from !== null && to !== null && from.length === to.length && from.every((part, i) => part === to[i])) return tree;
  const without = from === null ? tree : remove(tree, from);
  return to === null ? without : insert(without, to, value);
}

function marks(request: LiveRequest): Marks {
  const { place, info, seq } = request;
  if (place.kind === 'running')
    return place.pausedAt === null ? { ...absent, running: [place.startedAt, seq] } : absent;
  const key = dispatchKey(request);
  return {
    waiting: key,
    ready: place.kind === 'waiting' ? key : null,
    bySince: place.kind === 'waiting' ? [place.since, seq] : null,
    delayed: place.kind === 'delayed' ? [place.availableAt, seq] : null,
    deadlines: info.startBy === null ? null : [info.startBy, seq],
    running: null,
  };
}
