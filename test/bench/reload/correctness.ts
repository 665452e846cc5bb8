import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Emulator } from '../../support/emulator.ts';
import { type Answers, askAll, askHeld, freshAnswers, freshRuns, heldOf } from './answers.ts';
import { type State, writeStates } from './corpus.ts';
import { adapters, end, type Served, type Tool } from './tools.ts';

export interface Correct {
  readonly correct: number;
  /** Those that were made before the deadline. */
  readonly of: number;
  /** Kinds of edits after which the answers weren't those of a fresh process. */
  readonly wrong: readonly string[];
}

/** How long a save may take, on a machine that does much else. */
const restartMs = 60_000;
const inPlaceMs = 12_000;

/**
 * Makes edits that other tools get wrong, and counts those after which a tool answers as a fresh process does.
 * @param count how many kinds of edits
 * @param deadline no edit begins later, in the clock of `performance`
 */
export async function countCorrect(
  tools: readonly Tool[],
  emulator: Emulator,
  count: number,
  deadline: number,
): Promise<ReadonlyMap<Tool, Correct | Error>> {
  const below = await mkdtemp(join(tmpdir(), 'minifal-corpus-'));
  try {
    const states = await writeStates(below, tools[0]?.python ?? 'python3', count);
    const fresh = new Map<string, Promise<readonly Answers[]>>();
    const freshOf = ({ isPickled, python }: Tool): Promise<readonly Answers[]> => {
      const key = isPickled ? 'minifal' : python;
      const found =
        fresh.get(key) ?? (isPickled ? freshRuns(emulator, states, deadline) : freshAnswers(python, states));
      fresh.set(key, found);
      return found.then(mustDiffer);
    };
    const found = await Promise.all(
      tools.map(async (tool) => {
        const counted = freshOf(tool).then((answers) => checkTool(tool, states, answers, deadline));
        return [tool, await counted.catch((error: Error) => error)] as const;
      }),
    );
    return new Map(found);
  } finally {
    await rm(below, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** An edit that changes no answer would be counted as correct. */
function mustDiffer(answers: readonly Answers[]): readonly Answers[] {
  const same = answers.findIndex((one, at) => isSame(one, answers[at - 1]));
  if (same >= 0) throw new Error(`edit ${same} of the corpus changes no answer`);
  return answers;
}

function isSame(one: Answers | undefined, other: Answers | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

async function checkTool(
  tool: Tool,
  states: readonly State[],
  fresh: readonly Answers[],
  deadline: number,
): Promise<Correct> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-bench-'));
  const module = tool.kind === 'fal' ? 'app' : 'served';
  await cp(states[0]?.folder ?? '', folder, { recursive: true });
  if (tool.kind !== 'fal') await cp(join(adapters, `served_${tool.kind}.py`), join(folder, 'served.py'));
  const wrong: string[] = [];
  let made = 0;
  let served: Served | undefined;
  const restart = async (): Promise<Served> => {
    if (served) await end(served.server);
    served = await tool.begin(folder, module);
    return served;
  };
  const isAnswering = async (expected: Answers | undefined, timeoutMs: number): Promise<boolean> => {
    const giveUp = performance.now() + timeoutMs;
    do {
      const answers = served && (await askAll(tool.kind, served).catch(() => undefined));
      if (isSame(answers, expected)) return true;
      await delay(100);
    } while (performance.now() < giveUp);
    return false;
  };
  /** Whether all is answered as by a fresh process after the edit, and one version answers what is in progress. */
  const isCorrect = async (at: number, { kind, changed }: State, now: Served): Promise<boolean> => {
    const held = kind?.isInFlight && askHeld(tool.kind, now).catch(() => '');
    await delay(kind?.isInFlight ? 300 : 0);
    for (const [name, text] of changed) await writeFile(join(folder, name), text);
    if (tool.isRestarted) await restart();
    const isRight = await isAnswering(fresh[at], tool.isInPlace ? inPlaceMs : restartMs);
    const whole = [fresh[at - 1], fresh[at]].map((answers) => answers && heldOf(answers));
    return isRight && (!held || whole.includes(await held));
  };
  try {
    let now = await restart();
    if (!(await isAnswering(fresh[0], 2 * restartMs)))
      throw new Error(`no first answer; it printed ${now.server.output().slice(-2_000)}`);
    for (const [at, state] of states.entries()) {
      if (!state.kind) continue;
      // A compiled file is used again if time, in seconds, and size are the same.
      await delay(1_100);
      if (performance.now() > deadline) break;
      made++;
      if (await isCorrect(at, state, now)) {
        now = served ?? now;
        continue;
      }
      wrong.push(state.kind.name);
      now = await restart();
      if (!(await isAnswering(fresh[at], 2 * restartMs))) throw new Error(`wrong when fresh: ${state.kind.name}`);
    }
    return { correct: made - wrong.length, of: made, wrong };
  } finally {
    if (served) await end(served.server);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
