import { setTimeout as sleep } from 'node:timers/promises';
import { dataFolder, findRunning } from '../wire/data-folder.ts';
import { UserError } from '../wire/errors.ts';
import type { CliOptions } from './main.ts';
import { say } from './print.ts';

/** The emulator lets requests finish and gives its runners their grace; then it is killed (its runners die with it). */
const patienceMs = 20_000;

/** `minifal stop`: ends the emulator of the data folder; nothing to stop is not an error. */
export async function stop(options: CliOptions): Promise<number> {
  const folder = dataFolder(options.data);
  const running = findRunning(folder);
  if (!running) {
    say(`No emulator runs on ${folder}.`);
    return 0;
  }
  process.kill(running.pid, 'SIGTERM');
  const deadline = Date.now() + patienceMs;
  while (findRunning(folder)) {
    if (Date.now() > deadline) {
      throw new UserError(
        `The emulator (pid ${running.pid}) has not stopped.`,
        `End it with \`kill -9 ${running.pid}\`; its queue is safe.`,
      );
    }
    await sleep(50);
  }
  say('Stopped.');
  return 0;
}
