import * as vscode from 'vscode';
import type { Snapshot } from './target/snapshot.ts';

/** The context keys that `when` clauses of the manifest use. */
interface Contexts {
  readonly emulatorState: Snapshot['state'];
  readonly hasApps: boolean;
  readonly pythonState: 'ok' | 'missing' | 'tooOld';
  readonly hasRuns: boolean;
  /** The view shows ended runners. */
  readonly hasEnded: boolean;
  readonly hasDeployments: boolean;
  readonly secretsSealed: boolean;
}

/** The only place that sets context keys. A key that already has the value isn't set again. */
export function createContexts() {
  const known = new Map<string, unknown>();
  return {
    set<K extends keyof Contexts>(key: K, value: Contexts[K]): void {
      if (known.get(key) === value) return;
      known.set(key, value);
      void vscode.commands.executeCommand('setContext', `minifal.${key}`, value);
    },
  };
}

export type SetContext = ReturnType<typeof createContexts>['set'];
