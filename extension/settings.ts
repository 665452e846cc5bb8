import * as vscode from 'vscode';
import { type CheckedSettings, checkedNames, complaint, homePath, usableSettings } from './checked-settings.ts';

/** The settings as they are now, checked: a value of the wrong kind counts as not set. */
export interface Settings extends CheckedSettings {
  /** Empty: not set. */
  readonly dataFolder: string;
  readonly allTerminals: boolean;
  /** Empty: not set. */
  readonly pythonPath: string;
}

/** Read at each use, so that changes apply immediately. */
export function readSettings(resource?: vscode.Uri): Settings {
  const configuration = vscode.workspace.getConfiguration('minifal', resource);
  return {
    ...usableSettings((name) => configuration.get<unknown>(name)),
    dataFolder: path(configuration.get<unknown>('dataFolder')),
    allTerminals: configuration.get<unknown>('terminals.all') === true,
    pythonPath: path(configuration.get<unknown>('pythonPath')),
  };
}

/** Settings with an invalid value, each with a sentence that names the fallback. */
export function wrongSettings(): readonly { readonly name: string; readonly sentence: string }[] {
  const configuration = vscode.workspace.getConfiguration('minifal');
  return checkedNames.flatMap((name) => {
    const sentence = complaint(name, configuration.get<unknown>(name));
    return sentence === undefined ? [] : [{ name, sentence }];
  });
}

function path(value: unknown): string {
  return typeof value === 'string' ? homePath(value) : '';
}
