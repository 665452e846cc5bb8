import type { ExtensionContext } from 'vscode';

/** The name under which a window stores what the emulator doesn't know about its problems. */
export const problemsKey = 'minifal.problems';

export function hasStoredProblems({ workspaceState }: Pick<ExtensionContext, 'workspaceState'>): boolean {
  return workspaceState.get(problemsKey) !== undefined;
}
