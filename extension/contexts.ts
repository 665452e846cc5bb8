import * as vscode from 'vscode';
import { type ContextName, type Contexts, contextKey } from './contributes/contexts.ts';

/** The only place that sets context keys. A key that already has the value isn't set again. */
export function createContexts() {
  const known = new Map<ContextName, unknown>();
  const listeners = new Map<ContextName, () => void>();
  return {
    /** Called after each change of one key; a later listener replaces an earlier one. */
    onChange: (name: ContextName, listener: () => void) => void listeners.set(name, listener),
    get: <N extends ContextName>(name: N) => known.get(name) as Contexts[N] | undefined,
    set<N extends ContextName>(name: N, value: Contexts[N]): void {
      if (known.get(name) === value) return;
      known.set(name, value);
      void vscode.commands.executeCommand('setContext', contextKey(name), value);
      listeners.get(name)?.();
    },
  };
}

export type SetContext = ReturnType<typeof createContexts>['set'];
