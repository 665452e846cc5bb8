import {
  clientEnv,
  dataFolder,
  findRunning,
  isAlive,
  type ProcessIdentity,
  processIdentity,
  processStart,
  type RunningEmulator,
  readJson,
  readLocalKey,
} from '../../emulator/local/data-folder.ts';
import { makeFolder } from '../../emulator/local/make-folder.ts';

export type { ProcessIdentity, RunningEmulator };
export {
  dataFolder,
  findRunning,
  isAlive,
  makeFolder,
  processIdentity,
  processStart,
  readJson,
  readLocalKey as localKey,
};

/** The variables that point fal's tools at the folder's running emulator; `undefined`: none is running. */
export function targetEnv(folder: string): { readonly [name: string]: string } | undefined {
  const running = findRunning(folder);
  const key = readLocalKey(folder);
  return running && key !== undefined ? clientEnv(folder, running.ports, key, process.env) : undefined;
}
