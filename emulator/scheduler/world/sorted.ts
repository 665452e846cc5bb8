/**
 * A persistent sorted map: keys are short lists of numbers, compared from left to right.
 *
 * Every operation except `values` costs O(log n) and doesn't change its input, so a step needs no copy of a world with
 * 10,000 waiting requests. This isn't from a library because it needs `rank`: every status poll reads a queue position.
 * The tree is Adams's weight-balanced tree (the sizes of siblings differ by a factor of 3 at most).
 */
export type Key = readonly number[];

interface Node<V> {
  readonly key: Key;
  readonly value: V;
  readonly size: number;
  readonly left: Sorted<V>;
  readonly right: Sorted<V>;
}

/** `null` is the empty map. */
export type Sorted<V> = Node<V> | null;

export interface Entry<V> {
  readonly key: Key;
  readonly value: V;
}

const maxRatio = 3;

/** Negative: `a` sorts first; 0: equal. */
export function compareKeys(a: Key, b: Key): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Number of entries. */
export function size<V>(tree: Sorted<V>): number {
  return tree === null ? 0 : tree.size;
}

/** The tree with `value` at `key`, replacing an existing entry. */
export function insert<V>(tree: Sorted<V>, key: Key, value: V): Node<V> {
  if (tree === null) return node(key, value, null, null);
  const order = compareKeys(key, tree.key);
  if (order < 0) return balance(tree, insert(tree.left, key, value), tree.right);
  if (order > 0) return balance(tree, tree.left, insert(tree.right, key, value));
  return node(key, value, tree.left, tree.right);
}

/** The tree without `key`; the same tree when it wasn't there. */
export function remove<V>(tree: Sorted<V>, key: Key): Sorted<V> {
  if (tree === null) return null;
  const order = compareKeys(key, tree.key);
  if (order < 0) {
    const left = remove(tree.left, key);
    return left === tree.left ? tree : balance(tree, left, tree.right);
  }
  if (order > 0) {
    const right = remove(tree.right, key);
    return right === tree.right ? tree : balance(tree, tree.left, right);
  }
  if (tree.left === null) return tree.right;
  if (tree.right === null) return tree.left;
  const next = least(tree.right);
  return balance(next, tree.left, remove(tree.right, next.key));
}

/** The entry with the least key; `undefined` when empty. */
export function first<V>(tree: Sorted<V>): Entry<V> | undefined {
  return tree === null ? undefined : least(tree);
}

/** The entry with the least key that isn't below `key`. */
export function ceiling<V>(tree: Sorted<V>, key: Key): Entry<V> | undefined {
  let found: Entry<V> | undefined;
  let at = tree;
  while (at !== null) {
    if (compareKeys(at.key, key) >= 0) {
      found = at;
      at = at.left;
    } else at = at.right;
  }
  return found;
}

/** How many keys are below `key`. */
export function rank<V>(tree: Sorted<V>, key: Key): number {
  let below = 0;
  let at = tree;
  while (at !== null) {
    if (compareKeys(at.key, key) < 0) {
      below += size(at.left) + 1;
      at = at.right;
    } else at = at.left;
  }
  return below;
}

/** The entry with the greatest key; `undefined` when empty. */
export function last<V>(tree: Sorted<V>): Entry<V> | undefined {
  let at = tree;
  while (at !== null && at.right !== null) at = at.right;
  return at ?? undefined;
}

/** All entries in key order, produced lazily. */
export function* ascending<V>(tree: Sorted<V>): Generator<Entry<V>, void> {
  const above: Node<V>[] = [];
  let at = tree;
  for (;;) {
    while (at !== null) {
      above.push(at);
      at = at.left;
    }
    const next = above.pop();
    if (next === undefined) return;
    yield next;
    at = next.right;
  }
}

/** The values in key order: all of them, or the first `max`. */
export function values<V>(tree: Sorted<V>, max = Number.POSITIVE_INFINITY): V[] {
  const found: V[] = [];
  for (const { value } of ascending(tree)) {
    if (found.length >= max) break;
    found.push(value);
  }
  return found;
}

function least<V>(tree: Node<V>): Node<V> {
  let at = tree;
  while (at.left !== null) at = at.left;
  return at;
}

function node<V>(key: Key, value: V, left: Sorted<V>, right: Sorted<V>): Node<V> {
  return { key, value, size: size(left) + size(right) + 1, left, right };
}

/** A balanced node with the entry `at` and two subtrees, one of which may have grown or shrunk by one. */
function balance<V>(at: Entry<V>, left: Sorted<V>, right: Sorted<V>): Node<V> {
  const sum = size(left) + size(right);
  if (sum > 1 && right !== null && right.size > maxRatio * size(left)) {
    const inner = right.left;
    if (inner === null || inner.size < 2 * size(right.right)) {
      return node(right.key, right.value, node(at.key, at.value, left, inner), right.right);
    }
    return node(
      inner.key,
      inner.value,
      node(at.key, at.value, left, inner.left),
      node(right.key, right.value, inner.right, right.right),
    );
  }
  if (sum > 1 && left !== null && left.size > maxRatio * size(right)) {
    const inner = left.right;
    if (inner === null || inner.size < 2 * size(left.left)) {
      return node(left.key, left.value, left.left, node(at.key, at.value, inner, right));
    }
    return node(
      inner.key,
      inner.value,
      node(left.key, left.value, left.left, inner.left),
      node(at.key, at.value, inner.right, right),
    );
  }
  return node(at.key, at.value, left, right);
}
