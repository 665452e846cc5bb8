import { cpus, loadavg } from 'node:os';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { type Correct, countCorrect } from './reload/correctness.ts';
import { type OcrRun, startOcr } from './reload/ocr.ts';
import { type Timed, timeSaves } from './reload/speed.ts';
import { findTools, type Tool } from './reload/tools.ts';
import { median, show } from './stats.ts';

export interface ReloadSizes {
  readonly edits: number;
  readonly setupSeconds: number;
  /** Of edits that other tools get wrong. */
  readonly kinds: number;
  /** Edits of the demo's app with its model; 0: it isn't run. */
  readonly ocrEdits: number;
}

/** When no further save is begun, after the beginning: on a busy machine, there are fewer edits. */
const limitsMs = { timed: 400_000, correct: 540_000, ocr: 660_000 };

/**
 * The time from the save of a changed endpoint to its first correct answer, for an app whose setup() sleeps and for the
 * demo's model, and how many of the edits that other tools get wrong are answered as by a fresh process. Goals: 300 ms
 * where the running app is changed, setup() and 500 ms where it is restarted. `cog` is left out: it needs a Docker
 * daemon.
 */
export async function benchReload(sizes: ReloadSizes): Promise<void> {
  const began = performance.now();
  showMachine();
  const emulator = await startEmulator();
  try {
    const all = await findTools(emulator);
    const tools = all.filter((one) => 'begin' in one);
    const rows = (rowOf: (tool: Tool) => string) => {
      for (const one of all)
        console.log(`  ${one.name.padEnd(32)} ${'reason' in one ? `not measured: ${one.reason}` : rowOf(one)}`);
    };
    const timed = await timeSaves(tools, { ...sizes, deadline: began + limitsMs.timed });
    console.log(
      `from a save to its first correct answer, ms (${sizes.edits} edits; setup() sleeps ${sizes.setupSeconds} s)`,
    );
    rows((tool) => timedRow(tool, timed.get(tool), sizes));
    const ocr = sizes.ocrEdits > 0 ? startOcr(emulator).catch((error: Error) => error) : undefined;
    const correct = await countCorrect(tools, emulator, sizes.kinds, began + limitsMs.correct);
    console.log('edits that other tools get wrong, answered as by a fresh process');
    rows((tool) => correctRow(correct.get(tool)));
    showMachine();
    if (ocr) await showOcr(emulator, await ocr, sizes.ocrEdits, began + limitsMs.ocr);
  } finally {
    await emulator.stop();
  }
}

function showMachine(): void {
  const load = loadavg().map((one) => one.toFixed(1));
  console.log(`${cpus().length} x ${cpus()[0]?.model}, load ${load.join(', ')}`);
}

function timedRow(
  { goal }: Tool,
  timed: Timed | Error | undefined,
  { edits, setupSeconds }: Pick<ReloadSizes, 'edits' | 'setupSeconds'>,
): string {
  if (!timed || timed instanceof Error) return `failed: ${timed?.message}`;
  const { times, missing, setups } = timed;
  const made = times.length + missing;
  const late = made < edits ? `, then out of time` : '';
  const count = `${times.length} of ${made} correct in time${late}, setup() ran ${setups} times`;
  if (times.length === 0) return count;
  const limit = goal && goal.ms + (goal.beyondSetup ? setupSeconds * 1_000 : 0);
  const word = limit === undefined ? '' : `  (goal: at most ${limit})  ${median(times) <= limit ? 'met' : 'MISSED'}`;
  return `${show(times, 0)}  ${count}${word}`;
}

function correctRow(counted: Correct | Error | undefined): string {
  if (!counted || counted instanceof Error) return `failed: ${counted?.message}`;
  const { correct, of, wrong } = counted;
  return `${correct} of ${of}${wrong.length > 0 ? `; not: ${wrong.join(', ')}` : ''}`;
}

async function showOcr(emulator: Emulator, started: OcrRun | Error, edits: number, deadline: number): Promise<void> {
  console.log(`the demo's OCR model: from a save to the first answer of the new code, ms`);
  const row = async (name: string, ocr: OcrRun | Error, count: number): Promise<void> => {
    try {
      if (ocr instanceof Error) throw ocr;
      const { times, setups } = await ocr.times(count, deadline);
      if (times.length === 0) throw new Error('out of time');
      console.log(`  ${name.padEnd(32)} ${show(times, 0)}  ${times.length} edits, setup() ran ${setups} times`);
    } catch (error) {
      console.log(`  ${name.padEnd(32)} failed: ${error}`);
    } finally {
      if (!(ocr instanceof Error)) await ocr.stop();
    }
  };
  await row('minifal run --watch', started, edits);
  const restarting = await startOcr(emulator, '--no-swap').catch((error: Error) => error);
  await row('minifal run --watch --no-swap', restarting, Math.ceil(edits / 4));
}
