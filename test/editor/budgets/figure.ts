/** What was measured, and what it may be. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly budget: number;
  readonly unit: 'kB' | 'ms' | 's' | '';
}

/** `NaN` if a value is missing: it must not be hidden by the others. */
export function median(values: readonly number[]): number {
  if (values.some(Number.isNaN)) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
