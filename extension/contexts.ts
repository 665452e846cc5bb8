import * as vscode from 'vscode';
import type { Snapshot } from './target/snapshot.ts';

/** What `when` clauses of the manifest may ask. */
interface Contexts {
  readonly emulatorState: Snapshot['state'];
  readonly hasApps: boolean;
  readonly pythonState: 'ok' | 'missing' | 'tooOld';
  readonly hasRuns: boolean;
  /** The view shows runners that have ended. */
  readonly hasEnded: boolean;
  readonly hasDeployments: boolean;
  readonly secretsSealed: boolean;
}

/** The one place that sets context keys; a key that already has the value is left alone. */
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
