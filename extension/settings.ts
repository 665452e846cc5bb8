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
    port: typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= highestPort ? port : defaultPort,
    stopsOnClose: configuration.get<unknown>('stopEmulatorOnClose') !== 'never',
    allTerminals: configuration.get<unknown>('terminals.all') === true,
    sealSecrets: sealSecrets(configuration.get<unknown>('sealSecrets')),
    pythonPath: path(configuration.get<unknown>('pythonPath')),
  };
}

function sealSecrets(value: unknown): SealSecrets {
  return value === 'always' || value === 'never' ? value : 'auto';
}

function path(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '~' || text.startsWith('~/') ? join(homedir(), text.slice(1)) : text;
}
