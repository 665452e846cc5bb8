/**
 * Without the slashes at its end, or at both. No pattern: `/+$` takes the square of a long row of slashes before
 * something else.
 */
export function withoutSlashes(text: string, where: 'end' | 'both'): string {
  let [start, end] = [0, text.length];
  while (where === 'both' && text[start] === '/') start++;
  while (end > start && text[end - 1] === '/') end--;
  return text.slice(start, end);
}
