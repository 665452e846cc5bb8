import { readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { tryJson } from '../local/try-json.ts';
import { startLoader } from '../reload/loader-process.ts';
import { createLoopGuard } from '../reload/loops.ts';
import type { LoaderEvent } from '../reload/messages.ts';
import { postReload, putScaling } from '../reload/post.ts';
import { createReloads, type Done } from '../reload/reloads.ts';
import { createWatcher } from '../reload/watch/watcher.ts';
import type { RunOptions } from './line/run-arguments.ts';
import { printLine } from './print.ts';

/** What an editor writes to standard input, a line of JSON each (`--orders`). */
const editorOrder = z.discriminatedUnion('op', [
  z.object({ op: z.literal('restart') }),
  z.object({ op: z.literal('ignore'), glob: z.string().min(1) }),
]);

/**
 * Runs an app as `fal run` does, and reloads it with each save, until `fal run` ends.
 * @returns its exit code
 */
export async function watchRun({
  options,
  python,
  env,
  emulator,
}: {
  readonly options: RunOptions;
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  readonly emulator: { readonly port: number; readonly key: string };
}): Promise<number> {
  const cwd = process.cwd();
  const over = new AbortController();
  let alias: string | undefined;
  /** When the import of the latest version began: what was written later isn't in it. */
  let since = Date.now();

  const loops = createLoopGuard(() => performance.now());
  const watcher = createWatcher({
    root: cwd,
    ignored: options.ignored,
    ...(options.poll ? { polls: true } : {}),
    onChange: ({ file }, at) => saved(file, at),
    onTrouble: print,
  });
  const reloads = createReloads({
    order(order) {
      if (order.op === 'load') {
        since = Date.now();
        loops.began();
      }
      loader.order(order);
    },
    post: (reload) => postReload(emulator, alias ?? '', { ...reload, audit: options.audit }, over.signal),
    swaps: options.swap,
    onDone: (done) => print(describeDone(done, cwd)),
    onTrouble: (sentence) => over.signal.aborted || print(`Not reloaded: ${sentence}`),
    clock: () => performance.now(),
    sleep: (ms) => sleep(ms, undefined, { signal: over.signal }),
  });
  const { ELECTRON_RUN_AS_NODE: _, ...ownEnv } = env; // programs of the app aren't parts of an editor
  const debug = options.debug ? { MINIFAL_RUN_DEBUG: 'wait' } : {};
  const loader = startLoader({ python, cwd, env: { ...ownEnv, ...debug }, onEvent: reported, onTrouble: print });

  function saved(file: string, at: number): void {
    if (!loops.isLoop(file)) {
      reloads.saved(file, at);
      return;
    }
    watcher.ignore(file);
    print(`${shown(file, cwd)} changes with each import of the app, so it isn't watched any more.`);
  }

  function reported(event: LoaderEvent): void {
    if (event.event === 'serving') {
      alias = event.alias;
      if (options.scaling === 'faithful') void scale(event.alias);
      void watcher.watch(event.files, since).then(() => print(describeWatched(event.files.length)));
    } else if (event.event === 'loaded' || event.event === 'failed') {
      loops.ended();
      void watcher.watch(event.files, since);
      reloads.reported(event);
    }
  }

  async function scale(alias: string): Promise<void> {
    try {
      if (!(await putScaling(emulator, alias, options.scaling, over.signal)))
        throw new Error('the emulator refused it');
    } catch (error) {
      if (!over.signal.aborted) print(`The scaling was not set: ${error instanceof Error ? error.message : error}.`);
    }
  }

  function restart(): void {
    if (alias === undefined) return;
    print('Restarting with a fresh setup().');
    reloads.restart();
  }

  process.on('SIGINT', () => loader.interrupt());
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => loader.end());
  if (options.orders) {
    readLines((line) => {
      const order = editorOrder.safeParse(tryJson(line)).data;
      if (order?.op === 'restart') restart();
      else if (order?.op === 'ignore') watcher.ignore(order.glob);
    }).once('close', () => loader.end());
  } else if (hasKeys()) {
    readLines((line) => {
      if (line.trim() === 'r') restart();
      else if (line.trim() === 'q') loader.interrupt();
    });
  }
  loader.order({ op: 'serve', argv: options.forFal });

  const code = await loader.ended;
  over.abort();
  await watcher.close();
  // Standard input would keep this process.
  process.stdin.destroy();
  return code;

  function describeWatched(count: number): string {
    const keys = hasKeys() && !options.orders ? ' r and Enter restart it, q and Enter end it.' : '';
    return count === 1 ? `Watching 1 file.${keys}` : `Watching ${count} files and folders.${keys}`;
  }
}

/** `app.py: Swapped in 106 ms: Demo.main changed; model kept. (184 ms after the save)` */
function describeDone({ cause, ms, answer }: Done, cwd: string): string {
  const where = cause === null ? '' : `${shown(cause, cwd)}: `;
  return `${where}${answer.sentence}${cause === null ? '' : ` (${ms} ms after the save)`}`;
}

function shown(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith(`..${sep}`) ? path : below;
}

/** Distinguishable from what the app prints. */
function print(sentence: string): void {
  printLine(`minifal: ${sentence}`);
}

function readLines(onLine: (line: string) => void) {
  return createInterface({ input: process.stdin, terminal: false }).on('line', onLine);
}

/** A terminal on both sides, and in the foreground: a background job that reads would be suspended. */
function hasKeys(): boolean {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return true; // no Linux
  }
}
