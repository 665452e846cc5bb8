import type { Diagnosis } from '../../../wire/diagnosis.ts';

/** A cause with its words; what is left out is `null`. */
export type Named = Pick<Diagnosis, 'cause' | 'summary' | 'evidence'> &
  Partial<Pick<Diagnosis, 'change' | 'next' | 'since' | 'until'>>;

const maxText = 300;

/** Foreign words as part of a sentence: one line, shortened, with a full stop. */
export function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > maxText ? `${line.slice(0, maxText - 1)}…` : line.replace(/[.]?$/, '.');
}

/** Time that the app or the machine takes. The platform's own delays have `age`. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
