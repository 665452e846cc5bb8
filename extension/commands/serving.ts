/** Which app each run serves, and under which alias. `changed` is called after each change. */
export function createServing(changed: () => void) {
  const serving = new Set<{ readonly key: string; alias: string | undefined }>();
  const expected = new Map<string, number>();
  return {
    /** A run was requested, until `work` has ended: then it has begun, or won't. */
    async expect<T>(key: string, work: () => Promise<T>): Promise<T> {
      expected.set(key, (expected.get(key) ?? 0) + 1);
      changed();
      try {
        return await work();
      } finally {
        expected.set(key, (expected.get(key) ?? 1) - 1);
        if (expected.get(key) === 0) expected.delete(key);
        changed();
      }
    },
    isExpected: (keys: readonly string[]): boolean => keys.some((key) => expected.has(key)),
    begin(key: string, signal: AbortSignal) {
      const one: { readonly key: string; alias: string | undefined } = { key, alias: undefined };
      serving.add(one);
      signal.addEventListener('abort', () => {
        serving.delete(one);
        changed();
      });
      changed();
      return {
        serves(alias: string) {
          one.alias = alias;
          changed();
        },
      };
    },
    /** Newest first: a call goes to the run that has the code of now. */
    aliasesOf: (key: string): readonly (string | undefined)[] =>
      [...serving]
        .filter((one) => one.key === key)
        .map(({ alias }) => alias)
        .reverse(),
  };
}
