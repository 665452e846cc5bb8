import { insert, type Key, remove, type Sorted } from './sorted.ts';
import type { LiveRequest, RequestIndex } from './world.ts';

type Marks = { readonly [T in keyof RequestIndex]: Key | null };

const absent: Marks = { waiting: null, ready: null, delayed: null, deadlines: null, running: null };

/** All `normal` before any `low`, then by age (platform page runner.md §4.1). */
export function dispatchKey(request: LiveRequest): Key {
  return [request.info.priority === 'low' ? 1 : 0, request.info.submittedAt, request.seq];
}

/** The index after one request changed from `before` to `after`; `undefined`: it wasn't there, or left. */
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
  if (place.kind === 'running') return { ...absent, running: [place.startedAt, seq] };
  const key = dispatchKey(request);
  return {
    waiting: key,
    ready: place.kind === 'waiting' ? key : null,
    delayed: place.kind === 'delayed' ? [place.availableAt, seq] : null,
    deadlines: info.startBy === null ? null : [info.startBy, seq],
    running: null,
  };
}
