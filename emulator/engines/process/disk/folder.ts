import { constants } from 'node:fs';
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { AppFile, Callable } from '../../engine.ts';
import type { StartMethod } from '../messages.ts';

/**
 * A runner's own folder: the app's files, the mount point of its root, its disk, and the files that it exchanges with
 * us.
 */
export interface RunnerFolder {
  readonly path: string;
  readonly appDir: string;
  readonly mountPoint: string;
  /** Contains the runner's own disk (runner/birth/layer.py), one for each process that was started. */
  readonly layerDir: string;
  /** The only folder of ours, apart from the app's files, that it can write to. */
  readonly exchangeDir: string;
  readonly resultFile: string;
}

/** The paths inside the folder of a runner; nothing is created yet. */
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

/** The path of the disk of a process that is started with this method; nothing is created. */
export function layerOf(folder: RunnerFolder, method: StartMethod): string {
  return join(folder.layerDir, method);
}

/** What such a process wrote to the folder of its environment. */
export function environmentUpper(folder: RunnerFolder, method: StartMethod): string {
  return join(layerOf(folder, method), 'up.environment');
}

/** Copies the serialized function to where the runner sees it; the runner may change its copy. */
export async function handOver(folder: RunnerFolder, callable: Callable, name: string): Promise<Callable> {
  if (callable.kind !== 'pickle') return callable;
  const file = join(folder.exchangeDir, name);
  await copyFile(callable.file, file, constants.COPYFILE_FICLONE);
  return { ...callable, file };
}

/**
 * Creates the folder and copies the app's files with their modes. Rejects when a file is missing or its path leads out.
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
