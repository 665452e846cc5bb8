import { setTimeout as sleep } from 'node:timers/promises';
import { dataFolder, findRunning, isAlive, type ProcessIdentity, processStart } from '../../local/data-folder.ts';
import { UserError } from '../../wire/errors.ts';
import { ask } from '../ask.ts';
import { folderHolder } from '../data-folder.ts';
import type { CliOptions } from '../line/options.ts';
import { defaultPort, processListeningOn, userListeningOn } from '../listener.ts';
import { nameOf, refuseOthers } from '../others.ts';
import { ownCall } from '../own-command.ts';
import { printLine } from '../print.ts';

/** Lets requests finish and runners use their grace period; then the emulator is killed (its runners die with it). */
const patienceMs = 20_000;

/**
 * `minifal stop`: ends the emulator of the data folder; if there is none, that is not an error. With `--port` also ends
 * the emulator that listens there, whose folder may be gone.
 */
export async function stop(options: CliOptions): Promise<number> {
  const folder = dataFolder(options.data);
  if (options.port === undefined) refuseOthers(folder);
  const running =
    findRunning(folder) ??
    (options.port === undefined ? undefined : await findByPort(options.port)) ??
    findUnpublished(folder);
  if (!running) {
    const where = options.port === undefined ? '' : ` or port ${options.port}`;
    printLine(`No emulator is using ${folder}${where}.`);
    if (options.data === undefined && options.port === undefined && (await isOurs(defaultPort)))
      printLine(`An emulator is running on port ${defaultPort}${describeOwner(defaultPort)}.`);
    return 0;
  }
  signal(running.pid, 'SIGTERM');
  // A process that Ctrl+Z suspended receives the signal only when it is resumed.
  signal(running.pid, 'SIGCONT');
  const deadline = performance.now() + patienceMs;
  while (isAlive(running)) {
    if (performance.now() > deadline) {
      throw new UserError(
        'STOP_TIMED_OUT',
        `The emulator (pid ${running.pid}) has not stopped.`,
        `Kill it with \`kill -9 ${running.pid}\`; its queue is safe on the disk.`,
      );
    }
    await sleep(50);
  }
  printLine('Stopped.');
  return 0;
}

/** A process that is already gone is the desired result. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM') throw othersError(`The emulator (pid ${pid})`, 'another user');
    if (code !== 'ESRCH') throw error;
  }
}

/** An emulator that has locked the folder and isn't ready yet, or whose record was removed. */
function findUnpublished(folder: string): ProcessIdentity | undefined {
  const holder = folderHolder(folder);
  if (holder?.use !== 'emulator') return undefined;
  printLine(`The emulator (pid ${holder.pid}) is not ready yet. It stops as soon as it can.`);
  return holder;
}

/** Only a process that answers as minifal does on its api port: no other process may be ended. */
async function findByPort(port: number): Promise<ProcessIdentity | undefined> {
  if (!(await isOurs(port))) return undefined;
  const pid = processListeningOn(port);
  if (pid !== undefined) return { pid, processStart: processStart(pid) };
  const user = userListeningOn(port);
  if (user !== undefined && user !== process.getuid?.())
    throw othersError(`The emulator on port ${port}`, nameOf(user));
  return undefined;
}

/** Whether an emulator answers there. A suspended one can't identify itself: it is found by its own folder. */
async function isOurs(port: number): Promise<boolean> {
  const answer = await ask(port, '/', 5_000);
  return answer !== undefined && answer !== 'silent' && answer.body.startsWith('minifal:');
}

function describeOwner(port: number): string {
  const user = userListeningOn(port);
  if (user === undefined || user === process.getuid?.())
    return `: stop it with \`${ownCall('stop', '--port', String(port))}\``;
  return ` as ${nameOf(user)}, who can stop it`;
}

function othersError(what: string, owner: string): UserError {
  return new UserError('OWNED_BY_OTHER_USER', `${what} belongs to ${owner}.`, 'Only that user or root can stop it.');
}
