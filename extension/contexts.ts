import * as vscode from 'vscode';
import { type ContextName, type Contexts, contextKey } from './contributes/contexts.ts';

/** The only place that sets context keys. A key that already has the value isn't set again. */
export function createContexts() {
  const known = new Map<string, unknown>();
  return {
    set<N extends ContextName>(name: N, value: Contexts[N]): void {
      if (known.get(name) === value) return;
      known.set(name, value);
      void vscode.commands.executeCommand('setContext', contextKey(name), value);
    },
  };
}

export type SetContext = ReturnType<typeof createContexts>['set'];
