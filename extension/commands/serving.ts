/** Which app each run serves, and under which alias. `changed` is called after each change. */
export function createServing(changed: () => void) {
  const serving = new Set<{ readonly key: string; alias: string | undefined }>();
  return {
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
