const markOrValue = /[{}[\]:,]|[^\s{}[\]:,"]+|"/g;

/** Of a valid JSON text: its strings, punctuation marks and other values. */
export function* tokensOf(text: string): Generator<string, void> {
  for (let at = 0; ; ) {
    markOrValue.lastIndex = at;
    const found = markOrValue.exec(text);
    if (found === null) return;
    const [token] = found;
    at = token === '"' ? endOfString(text, found.index) : found.index + token.length;
    yield token === '"' ? text.slice(found.index, at) : token;
  }
}

/** Not an expression, which would overflow its stack at millions of escapes. */
function endOfString(text: string, begin: number): number {
  for (let quote = text.indexOf('"', begin + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (text[quote - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return quote + 1;
  }
  return text.length;
}

/**
 * A valid JSON text with indents, its numbers as they are written; `undefined`: it would be longer than `max`
 * characters. Deeply nested values have more indents than text.
 */
export function indented(text: string, max: number): string | undefined {
  let depth = 0;
  let before = '';
  let shown = '';
  const line = () => `\n${' '.repeat(Math.min(2 * depth, max))}`;
  for (const token of tokensOf(text)) {
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
