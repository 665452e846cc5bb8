/** Keeps the most recently used entries, within a maximum count and a maximum total of bytes. */
export interface Lru<K, V> {
  get(key: K): V | undefined;
  /** Doesn't keep an entry larger than an eighth of the cache: it would evict too many others. */
  set(key: K, value: V, bytes: number): void;
  delete(key: K): void;
}

export function createLru<K, V>(limits: { readonly entries: number; readonly bytes: number }): Lru<K, V> {
  // A Map keeps insertion order, so its first key is the least recently used one.
  const entries = new Map<K, { readonly value: V; readonly bytes: number }>();
  let total = 0;
  const remove = (key: K): void => {
    const entry = entries.get(key);
    if (!entry) return;
    total -= entry.bytes;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      remove(key);
      if (bytes > limits.bytes / 8) return;
      entries.set(key, { value, bytes });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (total <= limits.bytes && entries.size <= limits.entries) break;
        remove(oldest);
      }
    },
    delete: remove,
  };
}
