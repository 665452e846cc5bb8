import { mkdir } from 'node:fs/promises';
import type { Callable } from '../../engine.ts';
import { defaultMetricsPort, defaultPort } from '../../sdk-ports.ts';
import { handOver, layerOf, prepareFolder } from '../disk/folder.ts';
import { maxLayerBytes } from '../disk/layer-sizes.ts';
import type { Command, StartMethod } from '../messages.ts';
import type { RunnerDeps } from './deps.ts';

/** The paths of the callables in the runner's own folder. */
export interface PreparedFiles {
  readonly callable: Callable;
  readonly setup?: Callable;
}

/** Creates the runner's folder and copies its files into it. Rejects if the disk refuses. */
export async function prepareFiles({ spec, folder }: Pick<RunnerDeps, 'spec' | 'folder'>): Promise<PreparedFiles> {
  await prepareFolder(folder, spec.appFiles);
  const files = {
    callable: await handOver(folder, spec.callable, 'function'),
    ...(spec.setup ? { setup: await handOver(folder, spec.setup, 'setup') } : {}),
  };
  await mkdir(spec.dataDir, { recursive: true });
  return files;
}

/** The start command for the supervisor. `secret`: what the runner's servers require of every request. */
export function startCommand(
  { spec, folder, env, addresses }: Pick<RunnerDeps, 'spec' | 'folder' | 'env' | 'addresses'>,
  files: PreparedFiles,
  startMethod: StartMethod,
  secret: string,
): Command {
  return {
    op: 'start',
    id: spec.runnerId,
    startMethod,
    mode: spec.mode,
    ...files,
    env,
    appDir: folder.appDir,
    hasAppFiles: spec.appFiles.length > 0,
    dataDir: spec.dataDir,
    mountPoint: folder.mountPoint,
    layerDir: layerOf(folder, startMethod),
    exchangeDir: folder.exchangeDir,
    maxBytes: maxLayerBytes,
    resultFile: folder.resultFile,
    declaredPort: spec.declaredPort ?? defaultPort,
    declaredMetricsPort: spec.metricsPort ?? defaultMetricsPort,
    addresses,
    secret,
    development: spec.development ?? false,
    debugger: spec.mode === 'serve' && (spec.waitsForDebugger ?? false),
  };
}
