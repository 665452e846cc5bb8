import { join } from 'node:path';
import { dataFolder } from '../../local/data-folder.ts';
import { asDiskTrouble } from '../../local/disk-trouble.ts';
import { machine, roomForRunners } from '../../local/machine.ts';
import { saysUsage } from '../../local/processes/usage.ts';
import { startEmulator } from '../../main.ts';
import { publish } from '../data-folder.ts';
import { hasModels, huggingFaceCache } from '../hugging-face.ts';
import { closeInherited } from '../inherited.ts';
import { reportRunning, takeOrFind } from '../join.ts';
import { readKeychainOrder } from '../keychain.ts';
import type { CliOptions } from '../line/options.ts';
import { defaultPort } from '../listener.ts';
import { refuseOthers } from '../others.ts';
import { ownEvalLine } from '../own-command.ts';
import { printError, printLine } from '../print.ts';
import { checkShares, shareNotes } from '../shares.ts';
import { version } from '../version.ts';

/** As on the platform (docs/platform/gateway.md#storage). */
const defaultRetentionDays = 30;
const defaultIsolation = 'full';
/** Number of distinct bugs that the terminal shows; the log contains all. */
const maxReportedBugs = 20;

/**
 * `minifal start`: runs until SIGINT or SIGTERM. If an emulator is already using the folder, says where and exits with
 * 0.
 */
export async function start(options: CliOptions): Promise<number> {
  const folder = dataFolder(options.data);
  checkShares(options.shared, folder);
  refuseOthers(folder);
  const lock = await takeOrFind(folder);
  if ('runs' in lock) {
    reportRunning(folder, lock.runs, options);
    return 0;
  }
  // A second signal doesn't wait for the graceful shutdown that the first one started.
  let stop: (code: number) => void = () => undefined;
  const stopped = new Promise<number>((resolve) => {
    stop = resolve;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(0));
    // A closing terminal may send several signals, and each counts as the first.
    process.on('SIGHUP', () => resolve(0));
    // The older Node that started this one (bin/minifal.mjs) was killed.
    if (process.connected) process.once('disconnect', () => resolve(0));
  });
  closeInherited();
  const isolation = options.isolation ?? defaultIsolation;
  const cache = huggingFaceCache(process.env);
  const mode = options.huggingFace ?? 'off';
  try {
    const emulator = await startEmulator({
      folder,
      port: options.port ?? defaultPort,
      version,
      allowedOrigins: options.allowedOrigins,
      timeScale: options.timeScale,
      maxRunners: options.maxRunners ?? roomForRunners(machine()),
      gpuSlots: options.gpuSlots,
      gpuSharing: options.gpuSharing,
      gpuMapping: options.gpuMapping,
      gpus: options.gpus,
      machineLimits: options.machineLimits ?? 'warn',
      isolation,
      shares: {
        folders: options.shared,
        ...(mode !== 'off' ? { huggingFace: { path: cache, writable: mode === 'write' } } : {}),
      },
      allowOutside: options.allowOutside,
      ...(options.keychain ? { keychain: await readKeychainOrder(process.stdin) } : {}),
      retentionDays: options.retentionDays ?? defaultRetentionDays,
      print: printLine,
      onGone(sentence) {
        printError(sentence);
        stop(1);
      },
    });
    const reported = new Set<string>();
    // The last resort, also for promises without a handler. All boundaries between rooms have a guard of their own
    // (local/loop/contain.ts), promises are on disk, and transactions are rolled back, so only one unfinished callback
    // is affected. Stopping would end every app because of one bug, and again after each start.
    process.on('uncaughtException', (error) => {
      emulator.report(error);
      const sentence = emulator.mask(`A bug in minifal: ${error instanceof Error ? error.message : 'see its log'}.`);
      if (asDiskTrouble(error) || reported.has(sentence) || reported.size >= maxReportedBugs) return;
      reported.add(sentence);
      printLine(`${sentence} minifal continues; please report the details in ${join(folder, 'emulator.log')}.`);
    });
    publish(folder, emulator.ports, version);
    const { api, run, queue, ws } = emulator.ports;
    printLine(
      `minifal ${version} is running: api localhost:${api}, run localhost:${run}, queue localhost:${queue}, ws ` +
        `localhost:${ws}`,
    );
    if (options.timeScale !== 1)
      printLine(
        `Time scale x${options.timeScale}: platform delays (keep_alive, back-off, ...) pass ` +
          `${options.timeScale} times as fast; an app's own work does not.`,
      );
    if (options.machineLimits !== undefined && options.machineLimits !== 'off' && !saysUsage())
      printLine("Note: --machine-limits has no effect, because this system doesn't say what processes use.");
    for (const notice of emulator.notices) printLine(`Note: ${notice}`);
    // Another terminal may not have the variable that specified the folder here.
    const isDefaultFolder = options.data === undefined && process.env.MINIFAL_DATA === undefined;
    printLine(`To use it in a terminal:  ${ownEvalLine(isDefaultFolder ? undefined : folder)}`);
    const { shared: folders, huggingFace } = options;
    const models = hasModels(cache) ? cache : undefined;
    void Promise.race([emulator.probeIsolation(), stopped]).then((missing) => {
      // The emulator was stopped meanwhile: nothing reads the answer.
      if (typeof missing === 'number') return;
      for (const note of shareNotes({ isolation, missing, folders, huggingFace, cache: models }))
        printLine(`Note: ${note}`);
    });
    const code = await stopped;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.removeAllListeners(signal);
      process.once(signal, () => {
        printLine('minifal stopped without waiting for running requests. Accepted requests are kept.');
        lock.release();
        process.exit(1);
      });
    }
    await emulator.close();
    return code;
  } finally {
    lock.release();
    if (process.connected) process.disconnect();
  }
}
