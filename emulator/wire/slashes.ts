/**
 * Removes the slashes at the end, or at both ends. Not with a pattern: `/+$` takes quadratic time for a long row of
 * slashes before other text.
 */
export function withoutSlashes(text: string, where: 'end' | 'both'): string {
  let [start, end] = [0, text.length];
  while (where === 'both' && text[start] === '/') start++;
  while (end > start && text[end - 1] === '/') end--;
  return text.slice(start, end);
}
