/** Which app each run serves, and under which alias; which are deployed now. `changed` is called after each change. */
export function createServing(changed: () => void) {
  const serving = new Set<{ readonly key: string; alias: string | undefined }>();
  /** How many times each is. */
  const expected = new Map<string, number>();
  const deploying = new Map<string, number>();
  const alone = new Set<string>();

  async function during<T>(counts: Map<string, number>, key: string, work: () => Promise<T>): Promise<T> {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    changed();
    try {
      return await work();
    } finally {
      counts.set(key, (counts.get(key) ?? 1) - 1);
      if (counts.get(key) === 0) counts.delete(key);
      changed();
    }
  }

  return {
    /** A run was requested, until `work` has ended: then it has begun, or won't. */
    expect: <T>(key: string, work: () => Promise<T>): Promise<T> => during(expected, key, work),
    isExpected: (keys: readonly string[]): boolean => keys.some((key) => expected.has(key)),
    /** Does `work`, which deploys the app. */
    deploy: <T>(key: string, work: () => Promise<T>): Promise<T> => during(deploying, key, work),
    isDeploying: (keys: readonly string[]): boolean => keys.some((key) => deploying.has(key)),
    /** The runs of these apps ended because no window was open. */
    endedAlone(keys: readonly string[]) {
      for (const key of keys) alone.add(key);
      if (keys.length > 0) changed();
    },
    /** Until a run begins. */
    hasEndedAlone: (keys: readonly string[]): boolean => keys.some((key) => alone.has(key)),
    begin(key: string, signal: AbortSignal) {
      alone.delete(key);
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
