// `npm run dev [-- OPTIONS OF minifal start]`: runs the emulator from its sources, and restarts it when one of them is
// saved. The data folder (.dev, or --data) is kept, and with it apps, secrets and waiting requests.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const emulator = join(root, 'emulator');
/** Waits for further changes: an editor writes a file in several steps, and a checkout writes many files. */
const settleMs = 100;
/** One Ctrl+C arrives twice: from the terminal and from npm. A second Ctrl+C of the user comes later. */
const sameSignalMs = 500;

const own = process.argv.slice(2);
const data = own.includes('--data') ? [] : ['--data', join(root, '.dev')];
const args = [join(emulator, 'cli/main.ts'), 'start', ...data, ...own];

let child: ChildProcess = start();
let timer: NodeJS.Timeout | undefined;
let restarting = Promise.resolve();
/** The emulator that was asked to end. It isn't asked twice, because that would end it without waiting. */
let asked: ChildProcess | undefined;
let isEnding = false;
let endedAt = Number.NEGATIVE_INFINITY;

watch(emulator, { recursive: true }, (_event, file) => {
  if (file === null || !isSource(file)) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    restarting = restarting.then(() => restart(file));
  }, settleMs);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (performance.now() - endedAt < sameSignalMs) return;
    endedAt = performance.now();
    if (isEnding) child.kill('SIGTERM');
    isEnding = true;
    clearTimeout(timer);
    void stop().then((code) => process.exit(code ?? 0));
  });
}

/**
 * Starts the emulator in a process group of its own. Ctrl+C reaches it only through this process, because a second
 * signal makes it end without waiting. The channel closes when this process ends for any reason; the emulator then
 * stops.
 */
function start(): ChildProcess {
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'] as const;
  const started = spawn(process.execPath, args, { cwd: root, stdio: [...stdio], detached: true });
  started.on('exit', (code) => {
    if (code !== 0 && code !== null) console.log('dev: the emulator ended; it restarts when a source is saved.');
  });
  return started;
}

async function restart(file: string): Promise<void> {
  console.log(`dev: ${file} was saved; restarting the emulator.`);
  await stop();
  // Ctrl+C may have been pressed in the meantime.
  if (!isEnding) child = start();
}

/** Running requests may finish, as with `minifal stop`. */
async function stop(): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  if (asked !== child) child.kill('SIGTERM');
  asked = child;
  const [code] = await ended;
  return code;
}

/** Files that an emulator or a runner loads: no tests, and no files that tests or Python write. */
function isSource(file: string): boolean {
  return /\.(ts|py|json)$/.test(file) && !/\.test\.ts$|(^|\/)testing\/|__pycache__/.test(file);
}
