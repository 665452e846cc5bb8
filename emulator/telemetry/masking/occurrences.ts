/** The number of characters of each text that the search uses; shorter texts can't be searched for. */
export const shortestFound = 8;
const blockLength = 3;
const maxShift = shortestFound - blockLength + 1;

/**
 * Replaces every occurrence of the texts (each at least `shortestFound` characters long) with `mark`; overlapping
 * occurrences are replaced with a single mark.
 *
 * Uses the Wu-Manber algorithm, because every line of every app passes through here: it examines about one in six
 * blocks of three characters, however many texts there are. A regular expression of all texts gets slower with each
 * one.
 */
export function replacer(texts: Iterable<string>, mark: string): (text: string) => string {
  const byStart = new Map<string, string[]>();
  /** The minimum distance from the end of a block to the end of the first characters of a text. */
  const shifts = new Uint8Array(65_536).fill(maxShift);
  for (const text of texts) {
    const start = text.slice(0, shortestFound);
    const same = byStart.get(start);
    if (same) same.push(text);
    else byStart.set(start, [text]);
    for (let end = blockLength; end <= shortestFound; end++) {
      const block = blockAt(text, end - 1);
      shifts[block] = Math.min(shifts[block] ?? 0, shortestFound - end);
    }
  }
  if (byStart.size === 0) return (text) => text;
  for (const same of byStart.values()) same.sort((a, b) => b.length - a.length);

  return (text) => {
    let shown = '';
    /** Everything before it is in `shown`; the range `from` to `to` is to be replaced. */
    let from = 0;
    let to = 0;
    let last = shortestFound - 1;
    while (last < text.length) {
      const shift = shifts[blockAt(text, last)] ?? 0;
      if (shift > 0) {
        last += shift;
        continue;
      }
      const at = last - shortestFound + 1;
      const found = byStart.get(text.slice(at, last + 1))?.find((candidate) => text.startsWith(candidate, at));
      if (found !== undefined) {
        if (at >= to) {
          if (to > from) shown += mark;
          shown += text.slice(to, at);
          from = at;
        }
        to = Math.max(to, at + found.length);
      }
      last++;
    }
    if (to === 0) return text;
    return shown + mark + text.slice(to);
  };
}

/** A number for the three characters that end at `last`; other characters may have the same number. */
function blockAt(text: string, last: number): number {
  const mixed = (text.charCodeAt(last - 2) << 10) ^ (text.charCodeAt(last - 1) << 5) ^ text.charCodeAt(last);
  return mixed & 0xffff;
}
