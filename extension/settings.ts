import * as vscode from 'vscode';
import {
  type CheckedName,
  type CheckedSettings,
  checkedNames,
  homePath,
  invalidValueMessage,
  usableSettings,
} from './checked-settings.ts';
import type { SettingName } from './contributes/settings.ts';

/** The settings as they are now, checked: a value of the wrong kind counts as not set. */
export interface Settings extends CheckedSettings {
  /** Empty: not set. */
  readonly dataFolder: string;
  readonly allTerminals: boolean;
  /** Empty: not set. */
  readonly pythonPath: string;
  readonly codeLens: boolean;
  readonly inlineLogs: boolean;
  readonly checks: boolean;
  readonly stopOnDebugEnd: boolean;
}

/** Read at each use, so that changes apply immediately. */
export function readSettings(resource?: vscode.Uri): Settings {
  const configuration = vscode.workspace.getConfiguration('minifal', resource);
  const value = (name: SettingName) => configuration.get<unknown>(name);
  return {
    ...usableSettings(value),
    dataFolder: path(value('dataFolder')),
    allTerminals: value('terminals.all') === true,
    codeLens: value('codeLens.enabled') !== false,
    inlineLogs: value('inlineLogs.enabled') !== false,
    checks: value('checks.enabled') !== false,
    stopOnDebugEnd: value('debug.stopOnEnd') === true,
    pythonPath: path(value('pythonPath')),
  };
}

/** Settings with an invalid value, each with a sentence that names the fallback. */
export function invalidSettings(): readonly { readonly name: CheckedName; readonly sentence: string }[] {
  const configuration = vscode.workspace.getConfiguration('minifal');
  return checkedNames.flatMap((name) => {
    const sentence = invalidValueMessage(name, configuration.get<unknown>(name));
    return sentence === undefined ? [] : [{ name, sentence }];
  });
}

function path(value: unknown): string {
  return typeof value === 'string' ? homePath(value) : '';
}
