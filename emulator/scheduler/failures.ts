/** Delay before another start after n consecutive start failures: min(30 s × n, 600 s) (platform page runner.md §1). */
export function failureDelaySeconds(failures: number): number {
  return Math.min(30 * failures, 600);
}

const longestClause = 240;

/** A sentence of somebody else, made a part of ours: one line of bearable length, without its full stop. */
export function clause(sentence: string): string {
  const line = sentence.replace(/\s+/g, ' ').trim();
  return line.length > longestClause ? `${line.slice(0, longestClause - 1)}…` : line.replace(/\.$/, '');
}
