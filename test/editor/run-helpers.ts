import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from '../../emulator/local/data-folder.ts';
import { processIdentity, processTree } from '../support/procfs.ts';
import { until } from '../support/wait.ts';
import type { Scene } from './scene.ts';

/** The processes that keep runs alive for the windows of this workspace. */
export function helpersOf({ vscode }: Scene): readonly ProcessIdentity[] {
  const files = globSync(join(vscode.dataDir, 'data/User/workspaceStorage/*/minifal.minifal/runs/*.json'));
  return files.flatMap(read).filter(isAlive);
}

/** Nothing if the run has ended since the file was found. */
function read(file: string): readonly ProcessIdentity[] {
  try {
    return [JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The helper of the only run, once its `fal` has begun. */
export async function theHelperOf(scene: Scene): Promise<ProcessIdentity> {
  return until(
    'one run is running',
    () => {
      const [one, ...others] = helpersOf(scene);
      return one && others.length === 0 && processTree(one.pid).length > 1 && one;
    },
    { timeoutMs: 60_000 },
  );
}

export async function noRunsIn(scene: Scene): Promise<void> {
  await until('no run is running', () => helpersOf(scene).length === 0, { timeoutMs: 60_000 });
}

/** @param identity from `processIdentity` */
export function hasEnded(identity: string | undefined): boolean {
  return identity === undefined || processIdentity(Number.parseInt(identity, 10)) !== identity;
}
