/**
 * Where the lines of a list are, of which most have the same height and a few that were measured have another. Pure but
 * for what was measured.
 */
export function createHeights(rowPx: number) {
  let tops: number[] = [0];
  let lines: readonly { readonly key: string }[] = [];
  const measured = new Map<string, number>();

  /** Most lists have only lines of the usual height, and many of them: their places need no list. */
  function layOut(): void {
    tops = [];
    if (measured.size === 0) return;
    tops.push(0);
    let top = 0;
    for (const { key } of lines) {
      top += measured.get(key) ?? rowPx;
      tops.push(top);
    }
  }

  function top(index: number): number {
    if (tops.length === 0) return rowPx * Math.min(index, lines.length);
    return tops[index] ?? 0;
  }

  return {
    setLines(next: readonly { readonly key: string }[]): void {
      lines = next;
      if (measured.size > 0) {
        const current = new Set(next.map(({ key }) => key));
        for (const key of measured.keys()) if (!current.has(key)) measured.delete(key);
      }
      layOut();
    },
    /** Returns whether anything moved. */
    measure(heights: readonly (readonly [key: string, px: number])[]): boolean {
      let moved = false;
      for (const [key, px] of heights) {
        if (px === (measured.get(key) ?? rowPx)) continue;
        measured.set(key, px);
        moved = true;
      }
      if (moved) layOut();
      return moved;
    },
    /** All lines have the usual height again. */
    forget(): void {
      measured.clear();
      layOut();
    },
    top,
    total: (): number => top(lines.length),
    /** The index of the line at this distance from the top. */
    at(px: number): number {
      let [low, high] = [0, Math.max(0, lines.length - 1)];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (top(middle) <= px) low = middle;
        else high = middle - 1;
      }
      return low;
    },
  };
}
