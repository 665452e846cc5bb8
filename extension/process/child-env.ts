type Env = { readonly [name: string]: string | undefined };

/**
 * The environment of the extension host without what the editor put there for itself (its own IPC,
 * `ELECTRON_RUN_AS_NODE`, `NODE_OPTIONS` that preload its code): child processes must not behave as parts of the
 * editor.
 */
export function childEnv(env: Env): { readonly [name: string]: string } {
  const ours = (name: string): boolean => !/^(VSCODE_|ELECTRON_|APPLICATION_INSIGHTS_|NODE_OPTIONS$)/.test(name);
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && ours(entry[0]),
  );
  return Object.fromEntries(kept);
}

/** `childEnv` with all variables of fal's tools replaced, so that no key or host of the cloud remains. */
export function localEnv(env: Env, target: { readonly [name: string]: string }): { readonly [name: string]: string } {
  const rest = Object.entries(childEnv(env)).filter(([name]) => !name.startsWith('FAL_'));
  return { ...Object.fromEntries(rest), ...target };
}
