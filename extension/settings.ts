import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { SealSecrets } from './process/keychain.ts';

/** The settings as they are now, checked: a value of the wrong kind counts as not set. */
export interface Settings {
  /** Empty: not set. */
  readonly dataFolder: string;
  /** First of four; 0: free ones. */
  readonly port: number;
  readonly stopsOnClose: boolean;
  readonly allTerminals: boolean;
  readonly sealSecrets: SealSecrets;
  /** Empty: not set. */
  readonly pythonPath: string;
}

const defaultPort = 4710;
const highestPort = 65_532;

/** Read anew at each use, so that changes apply at once. */
export function readSettings(resource?: vscode.Uri): Settings {
  const configuration = vscode.workspace.getConfiguration('minifal', resource);
  const port = configuration.get<unknown>('port');
  return {
    dataFolder: path(configuration.get<unknown>('dataFolder')),
    port: isPort(port) ? port : defaultPort,
    stopsOnClose: configuration.get<unknown>('stopEmulatorOnClose') !== 'never',
    allTerminals: configuration.get<unknown>('terminals.all') === true,
    sealSecrets: sealSecrets(configuration.get<unknown>('sealSecrets')),
    pythonPath: path(configuration.get<unknown>('pythonPath')),
  };
}

/** Settings whose value is none that they can have, each with a sentence that says what is used in its place. */
export function wrongSettings(): readonly { readonly name: string; readonly sentence: string }[] {
  const configuration = vscode.workspace.getConfiguration('minifal');
  const wrong = (name: string, isRight: (value: unknown) => boolean, instead: string) =>
    isRight(configuration.get<unknown>(name))
      ? []
      : [{ name, sentence: `The setting minifal.${name} has no such value; ${instead}.` }];
  return [
    ...wrong('port', isPort, `port ${defaultPort} is used`),
    ...wrong('sealSecrets', (value) => sealSecrets(value) === value, '`auto` is used'),
    ...wrong(
      'stopEmulatorOnClose',
      (value) => value === 'whenLastWindowCloses' || value === 'never',
      'the emulator stops with the last window',
    ),
  ];
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= highestPort;
}

function sealSecrets(value: unknown): SealSecrets {
  return value === 'always' || value === 'never' ? value : 'auto';
}

function path(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '~' || text.startsWith('~/') ? join(homedir(), text.slice(1)) : text;
}
