import { z } from 'zod';
import type { Emulator } from '../../support/emulator.ts';
import { mustRun } from '../../support/process.ts';
import type { State } from './corpus.ts';
import { adapters, end, type Served, type Tool, unwatched } from './tools.ts';

/** What the calls of the corpus were answered with; to compare. */
export type Answers = readonly string[];

const calls: readonly (readonly [path: string, body: object])[] = [
  ['/shown', {}],
  ['/options', { depth: 3 }],
  ['/', { text: 'a', inner: {}, level: 2 }],
  ['/fail', {}],
  ['/held', {}],
];

const answerSchema = z.object({ status: z.number(), text: z.string() });
const callLimitMs = 20_000;

/** The answers to all calls; rejects if one has none. */
export async function askAll(kind: Tool['kind'], { url }: Served): Promise<Answers> {
  const found: string[] = [];
  for (const [path, body] of calls) found.push(await ask(kind, url, path, body));
  return found;
}

/** The answer of a request that takes a second. */
export function askHeld(kind: Tool['kind'], { url }: Served): Promise<string> {
  return ask(kind, url, '/held', { seconds: 1 });
}

/** Of `askAll`, what `askHeld` is answered with by one version of the code. */
export function heldOf(answers: Answers): string | undefined {
  return answers.at(-1);
}

async function ask(kind: Tool['kind'], url: string, path: string, body: object): Promise<string> {
  const hasRoutes = kind === 'fal' || kind === 'fastapi';
  const response = await fetch(`${url}${hasRoutes ? path : '/'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(hasRoutes ? body : { path, body }),
    signal: AbortSignal.timeout(callLimitMs),
  });
  const text = await response.text();
  return shown(hasRoutes ? { status: response.status, text } : answerSchema.parse(JSON.parse(text)));
}

function shown({ status, text }: z.infer<typeof answerSchema>): string {
  return `${status} ${text}`;
}

/** What a fresh process with this Python answers in each state, without a server. */
export async function freshAnswers(python: string, states: readonly State[]): Promise<readonly Answers[]> {
  const folders = states.map(({ folder }) => folder);
  const env = { ...process.env, PYTHONPATH: adapters, PYTHONDONTWRITEBYTECODE: '1' };
  const args = ['-W', 'ignore', `${adapters}/fresh.py`, JSON.stringify(calls), ...folders];
  const printed = await mustRun(python, args, { env });
  return printed
    .trim()
    .split('\n')
    .map((line) => z.array(answerSchema).parse(JSON.parse(line)).map(shown));
}

/** So many start at the same time: most of a start is work of Python. */
const runsAtOnce = 3;

/**
 * What a fresh `minifal run` answers in each state.
 * @param deadline rejects later, in the clock of `performance`
 */
export async function freshRuns(
  emulator: Emulator,
  states: readonly State[],
  deadline: number,
): Promise<readonly Answers[]> {
  const found: Answers[] = [];
  const left = [...states.entries()];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      if (performance.now() > deadline) throw new Error('out of time: no answers of fresh runs to compare with');
      const [at, { folder }] = next;
      const served = await unwatched(emulator, folder, 'app.py::Demo');
      try {
        found[at] = await askAll('fal', served);
      } finally {
        await end(served.server);
      }
    }
  };
  await Promise.all(Array.from({ length: runsAtOnce }, work));
  return found;
}
