import { execFile } from 'node:child_process';
import { constants, readdirSync } from 'node:fs';
import { chmod, copyFile, mkdir, opendir, readdir, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import type { AppFile, Callable } from '../../engine.ts';
import { type StartMethod, startMethods } from '../messages.ts';

const mostOwnRemovals = 2_000;

/** A runner's own folder: the app's files, where its root is mounted, its disk, and what it exchanges with us. */
export interface RunnerFolder {
  readonly path: string;
  readonly appDir: string;
  readonly mountPoint: string;
  /** In it its own disk (runner/layer.py), one for each process that was started. */
  readonly layerDir: string;
  /** The only folder of ours, but for the app's files, that it can write to. */
  readonly exchangeDir: string;
  readonly resultFile: string;
}

/** Names inside the folder of a runner; nothing is made yet. */
export function runnerFolder(path: string): RunnerFolder {
  const exchangeDir = join(path, 'exchange');
  return {
    path,
    appDir: join(path, 'app'),
    mountPoint: join(path, 'root'),
    layerDir: join(path, 'layer'),
    exchangeDir,
    resultFile: join(exchangeDir, 'result'),
  };
}

/** Where the disk of a process that is started so will be; nothing is made. */
export function layerOf(folder: RunnerFolder, method: StartMethod): string {
  return join(folder.layerDir, method);
}

/** What such a process wrote to the folder of its environment. */
export function environmentUpper(folder: RunnerFolder, method: StartMethod): string {
  return join(layerOf(folder, method), 'up.environment');
}

/** Copies the serialized function to where the runner sees it; it may do with its copy what it wants. */
export async function handOver(folder: RunnerFolder, callable: Callable, name: string): Promise<Callable> {
  if (callable.kind !== 'pickle') return callable;
  const file = join(folder.exchangeDir, name);
  await copyFile(callable.file, file, constants.COPYFILE_FICLONE);
  return { ...callable, file };
}

/**
 * Makes the folder and copies the app's files with their modes. Rejects when a file is missing or its path leads out.
 */
export async function prepareFolder(folder: RunnerFolder, appFiles: readonly AppFile[]): Promise<void> {
  await mkdir(folder.appDir, { recursive: true });
  await Promise.all(
    [folder.mountPoint, folder.layerDir, folder.exchangeDir].map((path) => mkdir(path, { recursive: true })),
  );
  for (const file of appFiles) {
    const target = join(folder.appDir, file.relativePath);
    if (!target.startsWith(folder.appDir + sep))
      throw new Error(`The app file ${file.relativePath} leads out of /app.`);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file.source, target, constants.COPYFILE_FICLONE);
    await chmod(target, file.mode & 0o777);
  }
}

/** Removes all of it; never rejects, what can't be removed stays until the next start of an emulator. */
export async function removeFolder(path: string): Promise<void> {
  // Overlays leave folders there to which only root has a right.
  if (process.getuid?.() !== 0) await openWork(runnerFolder(path));
  if (await holdsMany(path).catch(() => true)) return removeByPrograms(path);
  // An app may have taken the rights to its own folders away.
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => removeByPrograms(path));
}

/** What Node itself removes takes its memory and its time: 4 s without a break for 100,000 files. */
async function holdsMany(path: string): Promise<boolean> {
  const folders = [path];
  let seen = 0;
  for (let next = folders.pop(); next !== undefined && seen < mostOwnRemovals; next = folders.pop()) {
    const here = next;
    const names = await opendir(here).catch(() => null);
    if (names === null) continue;
    for await (const entry of names) {
      if (++seen >= mostOwnRemovals) break;
      if (entry.isDirectory()) folders.push(join(here, entry.name));
    }
  }
  return seen >= mostOwnRemovals;
}

/**
 * For folders that hold many files, for those to which no path leads because it would be too long, and for files that
 * root made immutable.
 */
async function removeByPrograms(path: string): Promise<void> {
  const script = 'rm -rf "$1" && exit; chattr -R -f -i -a "$1"; chmod -R u+rwx "$1"; exec rm -rf "$1"';
  await promisify(execFile)('sh', ['-c', `exec 2>/dev/null; ${script}`, 'sh', path]).catch(() => undefined);
}

async function openWork(folder: RunnerFolder): Promise<void> {
  for (const layer of startMethods.map((method) => layerOf(folder, method))) {
    const names = await readdir(layer).catch(() => []);
    for (const name of names.filter((name) => name.startsWith('work.'))) await openFolders(join(layer, name));
  }
}

/** What is gone meanwhile, or another user's, stays as it is. */
async function openFolders(path: string): Promise<void> {
  try {
    await chmod(path, 0o700);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await openFolders(join(path, entry.name));
    }
  } catch {
    return;
  }
}

/**
 * Removes the folders of runners of an earlier emulator, which was killed: those that are in `runnersDir` now, one
 * after the other in the background, until `signal` fires. Never rejects.
 */
export async function sweepFolders(runnersDir: string, keep: readonly string[], signal: AbortSignal): Promise<void> {
  const left = readdirSync(runnersDir).filter((name) => !keep.includes(name));
  for (const name of left) {
    if (signal.aborted) return;
    await removeFolder(join(runnersDir, name));
  }
}
