import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { checkedNames, complaint, usable } from './checked-settings.ts';
import type { SealSecrets } from './process/keychain.ts';
import type { HuggingFaceMode, IsolationMode } from './target/isolation.ts';

/** The settings as they are now, checked: a value of the wrong kind counts as not set. */
export interface Settings {
  /** Empty: not set. */
  readonly dataFolder: string;
  /** First of four; 0: free ones. */
  readonly port: number;
  /** Platform seconds in a second, at the emulator's next start. */
  readonly timeScale: number;
  /** Web pages that may call the emulator. */
  readonly allowedOrigins: readonly string[];
  /** What a runner has of its own, at the emulator's next start. */
  readonly isolation: IsolationMode;
  readonly shared: readonly string[];
  readonly huggingFace: HuggingFaceMode;
  readonly allowOutside: boolean;
  readonly stopsOnClose: boolean;
  readonly allTerminals: boolean;
  readonly sealSecrets: SealSecrets;
  /** Empty: not set. */
  readonly pythonPath: string;
}

/** Read again at each use, so that changes apply at once. */
export function readSettings(resource?: vscode.Uri): Settings {
  const configuration = vscode.workspace.getConfiguration('minifal', resource);
  const value = <N extends (typeof checkedNames)[number]>(name: N) => usable(name, configuration.get<unknown>(name));
  return {
    dataFolder: path(configuration.get<unknown>('dataFolder')),
    port: value('port'),
    timeScale: value('timeScale'),
    allowedOrigins: value('allowedOrigins'),
    isolation: value('isolation'),
    shared: value('share').map(path),
    huggingFace: value('huggingFaceCache'),
    allowOutside: value('allowOutside'),
    stopsOnClose: value('stopEmulatorOnClose') !== 'never',
    allTerminals: configuration.get<unknown>('terminals.all') === true,
    sealSecrets: value('sealSecrets'),
    pythonPath: path(configuration.get<unknown>('pythonPath')),
  };
}

/** Settings whose value is none that they can have, each with a sentence that says what is used in its place. */
export function wrongSettings(): readonly { readonly name: string; readonly sentence: string }[] {
  const configuration = vscode.workspace.getConfiguration('minifal');
  return checkedNames.flatMap((name) => {
    const sentence = complaint(name, configuration.get<unknown>(name));
    return sentence === undefined ? [] : [{ name, sentence }];
  });
}

function path(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '~' || text.startsWith('~/') ? join(homedir(), text.slice(1)) : text;
}
