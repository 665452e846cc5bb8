import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { timedApps } from './timed-apps.ts';
import { end, type Served, type Tool } from './tools.ts';
import { createTurns } from './turns.ts';

export interface Timed {
  /** From the save to the first correct answer, milliseconds. */
  readonly times: readonly number[];
  /** Saves that no correct answer followed in time. */
  readonly missing: number;
  /** How often the saves made setup() run. */
  readonly setups: number;
}

type Turns = ReturnType<typeof createTurns>;

export interface Sizes {
  readonly edits: number;
  readonly setupSeconds: number;
  /** No save begins later, in the clock of `performance`. */
  readonly deadline: number;
}

/** After so many saves in a row without a correct answer, a tool isn't asked again. */
const maxMissing = 2;

/**
 * Saves the app of all tools in turn. A turn ends when setup() begins, so that no two tools import at the same time,
 * but their setups pass together.
 */
export async function timeSaves(tools: readonly Tool[], sizes: Sizes): Promise<ReadonlyMap<Tool, Timed | Error>> {
  const turns = createTurns();
  const found = await Promise.all(
    tools.map(async (tool) => {
      const timed = await timeTool(tool, sizes, turns).catch((error: Error) => error);
      return [tool, timed] as const;
    }),
  );
  return new Map(found);
}

async function timeTool(tool: Tool, { edits, setupSeconds, deadline }: Sizes, turns: Turns): Promise<Timed> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-bench-'));
  const setups = await listenForSetups();
  const limitMs = setupSeconds * 1_000 + 60_000;
  /** In place, as VS Code does: `jurigged` doesn't notice a save by renaming. */
  const save = (answer: string) =>
    writeFile(join(folder, 'app.py'), timedApps[tool.kind]({ setupSeconds, setupPort: setups.port, answer }));
  const times: number[] = [];
  let missing = 0;
  let missingInRow = 0;
  let served: Served | undefined;
  /** Resolves, in its turn, when the answer has come or setup() has begun. */
  const change = async (answer: string) => {
    const before = setups.count();
    /** While setup() sleeps, no call is made that would slow down the other tools. */
    const pauseMs = () => {
      const begun = setups.begun(before);
      return begun === undefined ? 0 : begun + setupSeconds * 1_000 - 20 - performance.now();
    };
    const began = performance.now();
    await save(answer);
    if (served && tool.isRestarted) {
      await end(served.server);
      served = undefined;
    }
    const stop = new AbortController();
    const firstAnswerMs = async () => {
      served ??= await tool.begin(folder, 'app');
      const isAnswered = await firstAnswer(served.url, answer, limitMs, pauseMs);
      return isAnswered ? performance.now() - began : undefined;
    };
    const answered = firstAnswerMs().finally(() => stop.abort());
    await Promise.race([answered, setups.next(before, stop.signal)]);
    // In an object: a promise would be waited for.
    return { answered };
  };
  try {
    const first = await turns.take(() => change('v0'));
    if ((await first.answered) === undefined)
      throw new Error(`no first answer; it printed ${served?.server.output().slice(-2_000)}`);
    const setupsBefore = setups.count();
    for (let edit = 1; edit <= edits && missingInRow < maxMissing; edit++) {
      // As a person does; and a file's time in seconds differs.
      await delay(1_100);
      if (performance.now() > deadline) break;
      const { answered } = await turns.take(() => change(`v${edit}`));
      const ms = await answered;
      if (ms === undefined) {
        missing++;
        missingInRow++;
      } else {
        times.push(ms);
        missingInRow = 0;
      }
    }
    return { times, missing, setups: setups.count() - setupsBefore };
  } finally {
    if (served) await end(served.server);
    setups.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Setups {
  readonly port: number;
  /** Those that have begun. */
  count(): number;
  /** When the first after so many began; `undefined`: it hasn't. */
  begun(before: number): number | undefined;
  /** Resolves when there are more than so many, or with the signal. */
  next(before: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** A setup() of the timed apps connects when it begins. */
async function listenForSetups(): Promise<Setups> {
  const begun: number[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    begun.push(performance.now());
    for (const check of waiting) check();
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(z.object({ port: z.number() }).parse(server.address()).port));
  });
  return {
    port,
    count: () => begun.length,
    begun: (before) => begun[before],
    next: (before, signal) =>
      new Promise((resolve) => {
        const check = () => {
          if (begun.length <= before && !signal.aborted) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        signal.addEventListener('abort', check);
        check();
      }),
    close: () => server.close(),
  };
}

/**
 * Calls until the answer is the wanted one; `false`: it isn't in time.
 * @param pauseMs for how long to make no further call
 */
async function firstAnswer(url: string, answer: string, limitMs: number, pauseMs: () => number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  const init = { method: 'POST', body: '{"name":"x"}', headers: { 'content-type': 'application/json' } };
  while (performance.now() < deadline) {
    try {
      const response = await fetch(`${url}/`, { ...init, signal: AbortSignal.timeout(limitMs) });
      if ((await response.text()).includes(`"${answer}, x!"`)) return true;
    } catch {
      // It is starting.
    }
    await delay(Math.max(10, pauseMs()));
  }
  return false;
}
