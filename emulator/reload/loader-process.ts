import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { signalChild } from '../local/signal.ts';
import { tryJson } from '../local/try-json.ts';
import { type LoaderEvent, type LoaderOrder, loaderEvent } from './messages.ts';

/** The same place in the sources and next to the bundle. */
const program = fileURLToPath(new URL('./loader/main.py', import.meta.url));

/** A pickled app and its description are a few megabytes at most. */
const maxLine = 512 << 20;

export interface LoaderProcess {
  order(order: LoaderOrder): void;
  /** As Ctrl-C does: for `fal run`, which then stops its app. */
  interrupt(): void;
  /** Ends the loader, and gives `fal run` a moment to stop its app. */
  end(): void;
  /** The exit code of `fal run`, as in a shell. */
  readonly ended: Promise<number>;
}

/**
 * Starts the loader with the Python that has the developer's fal. It prints what `fal run` prints, and
 * ends with this process, however this process ends: its orders come through a pipe.
 *
 * It is in a session of its own, so that Ctrl-C in a terminal reaches it only through `interrupt`, once.
 */
export function startLoader(options: {
  readonly python: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onEvent: (event: LoaderEvent) => void;
  /** Called with a sentence when it can't be understood or reached. */
  readonly onTrouble: (sentence: string) => void;
  /** Default: the loader itself. */
  readonly args?: readonly string[];
}): LoaderProcess {
  const { python, cwd, env, onEvent, onTrouble } = options;
  const child = spawn(python, options.args ?? [program], {
    ...{ cwd, env, detached: true },
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'],
  });
  const orders = child.stdio[3] as Writable;
  orders.on('error', () => {}); // it has ended
  readEvents(child.stdio[4] as Readable, onEvent, (sentence) => {
    onTrouble(sentence);
    signalChild(child, 'SIGTERM');
  });
  return {
    order: (order) => void orders.write(`${JSON.stringify(order)}\n`),
    interrupt: () => signalGroup(child, 'SIGINT'),
    end: () => signalChild(child, 'SIGTERM'),
    ended: new Promise((resolve) => {
      child.once('error', (error) => {
        onTrouble(`${python} could not be started: ${error.message}.`);
        resolve(127);
      });
      child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
    }),
  };
}

function readEvents(
  stream: Readable,
  onEvent: (event: LoaderEvent) => void,
  onBroken: (sentence: string) => void,
): void {
  let parts: string[] = [];
  let length = 0;
  stream.on('error', () => {}); // it has ended
  stream.setEncoding('utf8').on('data', (text: string) => {
    const [first = '', ...others] = text.split('\n');
    parts.push(first);
    length += first.length;
    if (length > maxLine) {
      stream.destroy();
      onBroken('The version of the app is too large to be reloaded.');
      return;
    }
    for (const start of others) {
      const line = parts.join('');
      parts = [start];
      length = start.length;
      const event = loaderEvent.safeParse(tryJson(line)).data;
      if (event) onEvent(event);
      else onBroken(`The loader reported something unknown: ${line.slice(0, 200)}`);
    }
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // it has ended
  }
}
