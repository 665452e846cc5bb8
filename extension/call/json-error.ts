/** At the place of a text that isn't valid JSON: a mark, a string, or another value. */
const plain = /[ !#-[\]-\u{10ffff}]*/u;
const escaped = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/;
const string = new RegExp(`"${plain.source}(?:${escaped.source}${plain.source})*"`);
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/;
const word = /(?:true|false|null)(?!\w)/;
const token = new RegExp(`[ \\t\\n\\r]*([{}[\\],:]|${string.source}|${number.source}|${word.source})`, 'uy');
/** JavaScript counts more characters as white space, such as the non-breaking space. */
const rest = /[ \t\n\r]*$/y;
const space = /[ \t\n\r]*/y;

/** What may come next. */
type Next = 'value' | 'valueOrEnd' | 'name' | 'nameOrEnd' | ':' | 'afterValue';

/** The line of a text, from 1, at which it stops being JSON; `undefined`: all of it is. Pure. */
export function brokenLine(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let next: Next = 'value';
  let at = 0;
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  for (;;) {
    rest.lastIndex = at;
    const isEnd = rest.test(text);
    if (isEnd && next === 'afterValue' && open.length === 0) return undefined;
    // Where something is missing, a person looks at the last thing that is there.
    if (isEnd) return lineAt(text.trimEnd().length);
    token.lastIndex = at;
    const found = token.exec(text)?.[1];
    const then: Next | undefined = found === undefined ? undefined : after(found, next, open);
    if (then === undefined) return lineAt(afterSpace(text, at));
    next = then;
    at = token.lastIndex;
  }
}

/** What may come after this token; `undefined`: it can't be here. Keeps `open`, the brackets around it. */
function after(found: string, next: Next, open: ('{' | '[')[]): Next | undefined {
  const close = (bracket: '{' | '[', ...expected: readonly Next[]): Next | undefined => {
    if (open.at(-1) !== bracket || !expected.includes(next)) return undefined;
    open.pop();
    return 'afterValue';
  };
  if (found === '}') return close('{', 'nameOrEnd', 'afterValue');
  if (found === ']') return close('[', 'valueOrEnd', 'afterValue');
  if (found === ':') return next === ':' ? 'value' : undefined;
  if (found === ',') {
    const inside = next === 'afterValue' ? open.at(-1) : undefined;
    return inside && (inside === '{' ? 'name' : 'value');
  }
  if (next === 'name' || next === 'nameOrEnd') return found.startsWith('"') ? ':' : undefined;
  if (next !== 'value' && next !== 'valueOrEnd') return undefined;
  if (found !== '{' && found !== '[') return 'afterValue';
  open.push(found);
  return found === '{' ? 'nameOrEnd' : 'valueOrEnd';
}

function afterSpace(text: string, at: number): number {
  space.lastIndex = at;
  space.test(text);
  return space.lastIndex;
}
