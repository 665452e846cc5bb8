/** Delay before another start after n consecutive start failures: min(30 s × n, 600 s) (platform page runner.md §1). */
export function failureDelaySeconds(failures: number): number {
  return Math.min(30 * failures, 600);
}
