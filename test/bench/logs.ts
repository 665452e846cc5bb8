// Pages of a long log, read on the thread: the time of the first page, of the whole search, and the longest turn of the
// emulator's event loop meanwhile.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openLogRecords } from '../../emulator/telemetry/log-records.ts';
import { createLogs } from '../../emulator/telemetry/logs.ts';
import type { RowQuery } from '../../emulator/telemetry/rows/types.ts';
import { logPageSchema } from '../../emulator/wire/log-lines.ts';
import { show } from './stats.ts';

const words = ['loading', 'weights', 'step', 'of', 'image', 'latency', 'cache', 'miss', 'tokens', 'prompt'];
const word = (n: number) => words[n % words.length];
/** The only row with it, so that a search has to examine every other. */
const rare = 'needle 4711x';

const searches: readonly (readonly [name: string, query: Partial<RowQuery>, found: number])[] = [
  ['the newest rows', {}, 200],
  ['a regular expression that matches often', { regexp: 'step .* batch [0-7]$' }, 200],
  ['a rare regular expression', { regexp: 'needle \\d+x' }, 1],
  ['a rare regular expression with one letter', { regexp: '\\d{4}x' }, 1],
  ['a rare regular expression without a literal', { regexp: '\\d{4}[xyz]' }, 1],
  ['a rare text', { text: 'NEEDLE' }, 1],
  ['an app without rows', { alias: 'none' }, 0],
  ['a request', { requestId: 'request-777' }, 20],
  ['a runner', { runnerId: 'runner-3' }, 200],
];

export async function benchLogs({ lines, rounds }: { readonly lines: number; readonly rounds: number }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-bench-logs-'));
  const file = join(folder, 'logs.db');
  fill(file, lines);
  const logs = createLogs({ file, maxBytes: 2 ** 40 });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  console.log(`${lines} lines; first page: goal 300 ms; milliseconds, median (min .. max)`);
  for (const [name, query, expected] of searches) {
    const first: number[] = [];
    const whole: number[] = [];
    delay.reset();
    delay.enable();
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      let found = 0;
      for (let before: number | null = Number.MAX_SAFE_INTEGER; before !== null && found < 200; ) {
        const all = { matchCase: false, server: true, from: { before }, limit: 200, ...query };
        const { json } = await logs.page(all, new AbortController().signal);
        if (before === Number.MAX_SAFE_INTEGER) first.push(performance.now() - began);
        const page = logPageSchema.parse(JSON.parse(json));
        found += page.lines.length;
        before = page.next;
      }
      whole.push(performance.now() - began);
      if (found !== expected) throw new Error(`${name}: ${found} rows, not ${expected}`);
    }
    delay.disable();
    const turn = (delay.max / 1e6).toFixed(1);
    console.log(`  ${name}: first page ${show(first, 0)}, all ${show(whole, 0)}, longest delay of the loop ${turn}`);
  }
  logs.close();
  rmSync(folder, { recursive: true });
}

export function fill(file: string, lines: number): void {
  const records = openLogRecords(file);
  for (let seq = 1; seq <= lines; ) {
    const batch = Array.from({ length: Math.min(1_000, lines - seq + 1) }, (_, n) => lineOf(seq + n));
    records.add(batch);
    seq += batch.length;
  }
  records.close();
}

function lineOf(seq: number) {
  const took = `took ${(seq * 31) % 1000} ms, batch ${seq % 16}`;
  const message = `${word(seq)} ${word(seq * 7)} ${seq}: ${word(seq * 3)} ${took}`;
  return {
    seq,
    at: 1_700_000_000_000 + seq,
    level: 'STDOUT' as const,
    source: 'USER' as const,
    stream: 'stdout' as const,
    message: seq === 5 ? `${message} ${rare}` : message,
    alias: `app-${seq % 5}`,
    revision: 'rev-1',
    runnerId: `runner-${seq % 20}`,
    requestId: `request-${Math.floor(seq / 20)}`,
    endpoint: '/',
  };
}
