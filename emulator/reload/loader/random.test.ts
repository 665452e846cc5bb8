import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { rowsOf } from './testing/rows.ts';

type Kinds = Readonly<Record<string, readonly [all: number, kept: number]>>;

interface Row {
  readonly seed?: number;
  /** The last row has it; those before are edits that were answered otherwise than a restarted app does. */
  readonly summary?: { readonly edits: number; readonly different: number; readonly kinds: Kinds };
}

const isSlow = Boolean(process.env.MINIFAL_SLOW);

/** Random edits of random apps, from a seed on. */
async function editsOf(seed: number, count: number) {
  const rows = await rowsOf<Row>('random_edits.py', String(seed), String(count));
  const { edits = 0, kinds = {} } = rows.at(-1)?.summary ?? {};
  return { edits, kinds, different: rows.slice(0, -1) };
}

function sharesOf(parts: readonly Kinds[]): Readonly<Record<string, { all: number; kept: number }>> {
  const found: Record<string, { all: number; kept: number }> = {};
  for (const [kind, [all, kept]] of parts.flatMap(Object.entries<readonly [number, number]>)) {
    found[kind] ??= { all: 0, kept: 0 };
    found[kind].all += all;
    found[kind].kept += kept;
  }
  return found;
}

describe.concurrent('a swapped app answers as a restarted one', { timeout: 30_000_000 }, () => {
  it('after random edits of random apps', async () => {
    // The slow tests run alone.
    const processes = isSlow ? availableParallelism() : 1;
    const count = Math.ceil((isSlow ? 100_000 : 2_000) / processes);
    const seed = isSlow ? Date.now() % 1_000_000 : 1;
    const parts = await Promise.all(
      Array.from({ length: processes }, (_, part) => editsOf(seed + part * count, count)),
    );
    const shares = sharesOf(parts.map(({ kinds }) => kinds));
    const texts = Object.entries(shares).map(([kind, { all, kept }]) => `${kind} ${kept}/${all}`);
    process.stdout.write(`setup() not run again, by kind of edit (seed ${seed}): ${texts.sort().join(', ')}\n`);
    expect(parts.flatMap(({ different }) => different)).toEqual([]);
    expect(parts.map(({ edits }) => edits)).toEqual(parts.map(() => count));
    const { all = 1, kept = 0 } = shares.endpoint_body ?? {};
    expect(kept / all).toBeGreaterThanOrEqual(0.7);
  });

  it('and such edits show that a rule of the comparison is missing, whichever it is', async () => {
    const rows = await rowsOf<Row & { readonly fault?: string }>('faults.py');
    const names = rows.flatMap(({ fault }) => fault ?? []);
    // The row after a fault's name is an edit that was answered wrongly, or already the summary.
    const shown = rows.flatMap(({ fault }, at) =>
      fault !== undefined && rows[at + 1]?.seed !== undefined ? fault : [],
    );
    expect(names).toHaveLength(9);
    expect(shown).toEqual(names);
  });
});
