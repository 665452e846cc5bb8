import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { trimCompileCaches } from '../../engines/process/disk/compile-caches.ts';
import type { EnvironmentDefinition } from '../types.ts';
import { identify } from './identity.ts';

/**
 * Removes every virtualenv that matches none of these environments, and its compile cache. Of the other compile caches,
 * removes those above their limit. What is needed later is built or compiled again. Call this only while no emulator
 * uses the folder: its runners and builds must not lose theirs.
 * @returns how many, and their bytes (files shared with uv's cache count in full)
 */
export async function removeUnused(
  dataDir: string,
  environments: readonly Omit<EnvironmentDefinition, 'force' | 'sdk'>[],
): Promise<{ readonly environments: number; readonly bytes: number }> {
  const used = usedHashes(environments);
  const dir = join(dataDir, 'environments');
  let [count, bytes] = [0, 0];
  for (const hash of unusedEnvironments(dataDir, environments)) {
    bytes += removeFolder(join(dir, hash));
    count += 1;
  }
  // What runners compiled for an environment is useless without it.
  bytes += await trimCompileCaches(dataDir, (id) => used.has(id), { maxBytes: 0 });
  bytes += await trimCompileCaches(dataDir, () => false);
  return { environments: count, bytes };
}

/** The folders of the virtualenvs that match none of these environments, below `environments/`. */
export function unusedEnvironments(
  dataDir: string,
  environments: readonly Omit<EnvironmentDefinition, 'force' | 'sdk'>[],
): readonly string[] {
  const used = usedHashes(environments);
  return listed(join(dataDir, 'environments')).filter((hash) => !used.has(hash));
}

function usedHashes(environments: readonly Omit<EnvironmentDefinition, 'force' | 'sdk'>[]): Set<string | undefined> {
  return new Set(environments.filter(({ kind }) => kind === 'virtualenv').map(hashOf));
}

function hashOf(environment: Omit<EnvironmentDefinition, 'force' | 'sdk'>): string | undefined {
  const identified = identify(environment);
  return identified.kind === 'identified' ? identified.hash : undefined;
}

export function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** @returns its bytes */
export function removeFolder(folder: string): number {
  const bytes = existsSync(folder) ? sizeOf(folder) : 0;
  rmSync(folder, { recursive: true, force: true });
  return bytes;
}

function sizeOf(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
