import type * as vscode from 'vscode';
import { t } from '../words.ts';

/**
 * With `minifal.terminals.all`, every new terminal points at the emulator, even after a reload. The variables are those
 * of the last emulator and stay while it is stopped, so that no call meant for it reaches the cloud. They are written
 * only when they differ, because after each write the editor offers to relaunch open terminals.
 */
export function setOrdinaryTerminals(
  collection: vscode.EnvironmentVariableCollection,
  wanted: boolean,
  env: { readonly [name: string]: string } | undefined,
): void {
  if (!wanted) clear(collection);
  if (!wanted || !env) return;
  const entries = Object.entries(env);
  const present = [...collection].length;
  if (present === entries.length && entries.every(([name, value]) => collection.get(name)?.value === value)) return;
  collection.persistent = true;
  collection.description = t('Points `fal` and its clients at the local emulator (setting `minifal.terminals.all`)');
  for (const [name, value] of entries) collection.replace(name, value);
}

/** Removes the variables; writes nothing if there are none. */
function clear(collection: vscode.EnvironmentVariableCollection): void {
  if ([...collection].length > 0) collection.clear();
}
