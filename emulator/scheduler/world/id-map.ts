/**
 * A persistent map with string keys, which a step shares with the previous world: `get`, `has`, `set` and `delete` cost
 * O(log n), and an existing map never changes. Its order has no meaning, but depends only on the keys.
 *
 * This isn't from a library: libraries store the hash of each long key in an extra table, and because IDs are new for
 * each request, that took an eighth of a step (measured). The tree is Bagwell's hash array mapped trie.
 */
export class IdMap<K extends string, V> implements Iterable<readonly [K, V]> {
  readonly size: number;
  readonly #root: Branch<V>;

  private constructor(size: number, root: Branch<V>) {
    this.size = size;
    this.#root = root;
  }

  static empty<K extends string, V>(): IdMap<K, V> {
    return new IdMap<K, V>(0, emptyBranch);
  }

  get(key: K): V | undefined {
    return find(this.#root, key, hashOf(key))?.value;
  }

  has(key: K): boolean {
    return find(this.#root, key, hashOf(key)) !== undefined;
  }

  /** The map with `value` at `key`; the same map if it already has that value. */
  set(key: K, value: V): IdMap<K, V> {
    const hash = hashOf(key);
    const before = find(this.#root, key, hash);
    if (before !== undefined && before.value === value) return this;
    const size = before === undefined ? this.size + 1 : this.size;
    return new IdMap<K, V>(size, put(this.#root, 0, new Leaf(key, hash, value, null)));
  }

  /** The map without `key`; the same map if it doesn't have the key. */
  delete(key: K): IdMap<K, V> {
    const hash = hashOf(key);
    if (find(this.#root, key, hash) === undefined) return this;
    const root = without(this.#root, 0, hash, key);
    return new IdMap<K, V>(this.size - 1, root instanceof Branch ? root : emptyBranch);
  }

  *keys(): Generator<K, void> {
    for (const { key } of leaves(this.#root)) yield key as K;
  }

  *values(): Generator<V, void> {
    for (const { value } of leaves(this.#root)) yield value;
  }

  *[Symbol.iterator](): Generator<readonly [K, V], void> {
    for (const { key, value } of leaves(this.#root)) yield [key as K, value];
  }
}

class Leaf<V> {
  readonly key: string;
  readonly hash: number;
  readonly value: V;
  /** Another key with the same hash, in string order. */
  readonly next: Leaf<V> | null;

  constructor(key: string, hash: number, value: V, next: Leaf<V> | null) {
    this.key = key;
    this.hash = hash;
    this.value = value;
    this.next = next;
  }
}

/** Up to 32 subtrees, by five bits of the hash; a bit of `mask` is set for each existing subtree. */
class Branch<V> {
  readonly mask: number;
  readonly slots: readonly Slot<V>[];

  constructor(mask: number, slots: readonly Slot<V>[]) {
    this.mask = mask;
    this.slots = slots;
  }
}

type Slot<V> = Leaf<V> | Branch<V>;

const emptyBranch: Branch<never> = new Branch<never>(0, []);
const bitsPerLevel = 5;

/** FNV-1a over the UTF-16 units. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash;
}

function find<V>(root: Branch<V>, key: string, hash: number): Leaf<V> | undefined {
  let at: Slot<V> | undefined = root;
  for (let shift = 0; at instanceof Branch; shift += bitsPerLevel) {
    const bit = bitOf(hash, shift);
    at = (at.mask & bit) === 0 ? undefined : at.slots[placeOf(at.mask, bit)];
  }
  let leaf: Leaf<V> | null | undefined = at;
  while (leaf && leaf.key !== key) leaf = leaf.next;
  return leaf ?? undefined;
}

function put<V>(branch: Branch<V>, shift: number, leaf: Leaf<V>): Branch<V> {
  const { mask } = branch;
  const bit = bitOf(leaf.hash, shift);
  const place = placeOf(mask, bit);
  const slots = branch.slots.slice();
  const there = (mask & bit) === 0 ? undefined : slots[place];
  if (there === undefined) {
    slots.splice(place, 0, leaf);
    return new Branch(mask | bit, slots);
  }
  if (there instanceof Branch) slots[place] = put(there, shift + bitsPerLevel, leaf);
  else if (there.hash === leaf.hash) slots[place] = chained(there, leaf);
  else slots[place] = put(put(emptyBranch, shift + bitsPerLevel, there), shift + bitsPerLevel, leaf);
  return new Branch(mask, slots);
}

/** Returns `undefined` if nothing is left. A branch with a single remaining leaf is replaced by that leaf. */
function without<V>(branch: Branch<V>, shift: number, hash: number, key: string): Slot<V> | undefined {
  const { mask } = branch;
  const bit = bitOf(hash, shift);
  const place = placeOf(mask, bit);
  const there = branch.slots[place];
  const left =
    there instanceof Branch ? without(there, shift + bitsPerLevel, hash, key) : unchained(there ?? null, key);
  const slots = branch.slots.slice();
  if (left === undefined || left === null) {
    slots.splice(place, 1);
    if (slots.length === 0) return undefined;
  } else slots[place] = left;
  const [only] = slots;
  if (shift > 0 && slots.length === 1 && only instanceof Leaf) return only;
  return new Branch(left === undefined || left === null ? mask & ~bit : mask, slots);
}

function chained<V>(chain: Leaf<V> | null, leaf: Leaf<V>): Leaf<V> {
  if (chain === null || leaf.key < chain.key) return new Leaf(leaf.key, leaf.hash, leaf.value, chain);
  if (leaf.key === chain.key) return new Leaf(leaf.key, leaf.hash, leaf.value, chain.next);
  return new Leaf(chain.key, chain.hash, chain.value, chained(chain.next, leaf));
}

function unchained<V>(chain: Leaf<V> | null, key: string): Leaf<V> | null {
  if (chain === null || chain.key === key) return chain?.next ?? null;
  return new Leaf(chain.key, chain.hash, chain.value, unchained(chain.next, key));
}

function* leaves<V>(slot: Slot<V>): Generator<Leaf<V>, void> {
  if (slot instanceof Branch) for (const below of slot.slots) yield* leaves(below);
  else for (let leaf: Leaf<V> | null = slot; leaf !== null; leaf = leaf.next) yield leaf;
}

function bitOf(hash: number, shift: number): number {
  return 1 << ((hash >>> shift) & 31);
}

/** The number of mask bits below this one, which is the index of its subtree. */
function placeOf(mask: number, bit: number): number {
  let count = mask & (bit - 1);
  count -= (count >>> 1) & 0x55555555;
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
