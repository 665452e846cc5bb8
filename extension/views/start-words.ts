import { printableLines } from '../target/printable.ts';
import type { RunnerStart, Stage } from '../target/starts.ts';
import { t } from '../words.ts';
import { duration } from './row.ts';

/** Two starts took the same if they differ by less than this part of them. */
const sameShare = 0.02;

/** The stages of a start in the words of its document and its tooltip. */
export const stageWords = (): { readonly [N in Stage['name']]: string } => ({
  slot: t('Waiting for a slot'),
  environment: t('Environment'),
  process: t('Process'),
  imports: t('Imports of the app'),
  server: t('Server of the app'),
  setup: 'setup()',
  ready: t('Until ready'),
  firstCall: t('First call'),
});

/** How long a start took, and how much longer or shorter than the one before it. Pure. */
export function totalText({ totalMs, previous }: Pick<RunnerStart, 'totalMs' | 'previous'>): string {
  if (totalMs === null) return t('Not ready.');
  const total = duration(totalMs);
  if (!previous) return t('Ready after {0}.', total);
  const more = totalMs - previous.totalMs;
  const change = duration(Math.abs(more));
  if (Math.abs(more) < previous.totalMs * sameShare)
    return t('Ready after {0}, as runner {1}.', total, previous.number);
  return more > 0
    ? t('Ready after {0}: {1} more than runner {2}.', total, change, previous.number)
    : t('Ready after {0}: {1} less than runner {2}.', total, change, previous.number);
}

/** What would make the next start, or the first call, shorter. Pure. */
export function adviceTexts({ advice }: Pick<RunnerStart, 'advice'>): readonly string[] {
  return advice.map(({ text, savesMs }) => {
    const took = savesMs === null ? '' : ` ${t('This took {0}.', duration(savesMs))}`;
    return `${printableLines(text)}${took}`;
  });
}

/**
 * A waterfall of `width` characters: a bar for each stage, in their order. The first call is drawn after the start,
 * whenever it came: a runner may have waited for it. If it was longer than the start, its bar is cut, because the
 * stages of the start would be too small to be compared. Pure.
 */
export function barsOf(stages: readonly Stage[], width: number): readonly string[] {
  const sum = (some: readonly Stage[]) => some.reduce((total, { ms }) => total + (ms ?? 0), 0);
  const start = sum(stages.filter(({ name }) => name !== 'firstCall'));
  const isCut = ({ name, ms }: Stage) => name === 'firstCall' && start > 0 && (ms ?? 0) > start;
  const shown = stages.map((stage) => (isCut(stage) ? { ...stage, ms: start } : stage));
  const all = Math.max(1, sum(shown));
  let before = 0;
  return shown.map(({ ms }, at) => {
    const from = Math.min(Math.round((before / all) * width), width - 1);
    before += ms ?? 0;
    const length = ms === null ? width - from : Math.round((before / all) * width) - from;
    // Too short for a bar: a thin line says where it was.
    const bar = length > 0 ? (ms === null ? '░' : '█').repeat(length) : '▏';
    const stage = stages[at];
    return `${' '.repeat(from)}${stage && isCut(stage) ? `${bar.slice(1)}…` : bar}`;
  });
}

/** Rows as lines of columns, for a font of fixed width. `figures`: the columns that end at their right side. Pure. */
export function columns(rows: readonly (readonly string[])[], figures: readonly number[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return figures.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
