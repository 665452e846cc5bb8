/** Of a JSON text: a string, or a punctuation mark, or another value. */
export const tokens = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/**
 * A valid JSON text with indents, its numbers as they are written; `undefined`: it would be longer than `max`
 * characters. Deeply nested values have more indents than text.
 */
export function indented(text: string, max: number): string | undefined {
  let depth = 0;
  let before = '';
  let shown = '';
  const line = () => `\n${' '.repeat(Math.min(2 * depth, max))}`;
  for (const [token] of text.matchAll(tokens)) {
    const isFirst = before === '{' || before === '[';
    const begin = isFirst || before === ',' ? line : () => '';
    if (token === '}' || token === ']') {
      depth--;
      shown += isFirst ? token : line() + token;
    } else if (token === ':') shown += ': ';
    else shown += begin() + (token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token);
    if (token === '{' || token === '[') depth++;
    if (shown.length > max) return undefined;
    before = token;
  }
  return shown;
}
