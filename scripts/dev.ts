// `npm run dev [-- OPTIONS OF minifal start]`: runs the emulator from its sources, and starts it again when one of them
// was saved. The data folder (.dev, unless --data names another) stays, so apps, secrets and waiting requests do, too.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const emulator = join(root, 'emulator');
/** An editor writes a file in several steps, and a checkout writes many. */
const settleMs = 100;
/** One Ctrl+C comes twice: from the terminal, and from npm. A person's second one is later. */
const sameSignalMs = 500;

const own = process.argv.slice(2);
const data = own.includes('--data') ? [] : ['--data', join(root, '.dev')];
const args = [join(emulator, 'cli/main.ts'), 'start', ...data, ...own];

let child: ChildProcess = start();
let timer: NodeJS.Timeout | undefined;
let restarting = Promise.resolve();
/** The one that was asked to end: not twice, which would end it without waiting. */
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
 * In a process group of its own: Ctrl+C reaches it through us alone, because it takes a second signal as the wish to
 * end without waiting. The channel ends with this process, however that ends: then the emulator stops.
 */
function start(): ChildProcess {
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'] as const;
  const started = spawn(process.execPath, args, { cwd: root, stdio: [...stdio], detached: true });
  started.on('exit', (code) => {
    if (code !== 0 && code !== null)
      console.log('dev: the emulator ended; it is started again when a source is saved.');
  });
  return started;
}

async function restart(file: string): Promise<void> {
  console.log(`dev: ${file} was saved; the emulator is started again.`);
  await stop();
  // Ctrl+C may have come meanwhile.
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

/** What an emulator or a runner loads: no tests, and nothing that they or Python write. */
function isSource(file: string): boolean {
  return /\.(ts|py|json)$/.test(file) && !/\.test\.ts$|(^|\/)testing\/|__pycache__/.test(file);
}
