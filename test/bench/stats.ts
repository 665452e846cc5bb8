/** Measurements of one kind, in order. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
  readonly min: number;
  readonly max: number;
}

/** Needs at least one measurement. */
export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { count: sorted.length, median: at(0.5), p99: at(0.99), min: at(0), max: at(1) };
}

export function median(values: readonly number[]): number {
  return summarise(values).median;
}

/** `1.23 (0.98 .. 4.56)`: the first figure with the range of all. */
export function show(values: readonly number[], digits = 2): string {
  const { median, min, max } = summarise(values);
  return `${median.toFixed(digits)} (${min.toFixed(digits)} .. ${max.toFixed(digits)})`;
}
