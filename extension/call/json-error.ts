/** At the place of a text that isn't valid JSON: a mark, or a value that isn't a string. */
const mark = /[{}[\],:]/;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/;
const word = /(?:true|false|null)(?!\w)/;
const token = new RegExp(`${mark.source}|${number.source}|${word.source}`, 'y');
/** The parts of a string: one expression for all of it would overflow its stack if there are millions. */
const plain = /[ !#-[\]-\uffff]*/y;
const escaped = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
/** JavaScript counts more characters as white space, such as the non-breaking space. */
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
    const begin = endOf(space, text, at) ?? at;
    const isEnd = begin === text.length;
    if (isEnd && next === 'afterValue' && open.length === 0) return undefined;
    // Where something is missing, a person looks at the last thing that is there.
    if (isEnd) return lineAt(text.trimEnd().length);
    const end = text[begin] === '"' ? endOfString(text, begin) : endOf(token, text, begin);
    const then: Next | undefined = end === undefined ? undefined : after(text[begin], next, open);
    if (end === undefined || then === undefined) return lineAt(begin);
    next = then;
    at = end;
  }
}

/** Where the match ends that begins here, if there is one. */
function endOf(sticky: RegExp, text: string, at: number): number | undefined {
  sticky.lastIndex = at;
  return sticky.test(text) ? sticky.lastIndex : undefined;
}

function endOfString(text: string, begin: number): number | undefined {
  for (let at: number | undefined = begin + 1; at !== undefined; at = endOf(escaped, text, at)) {
    at = endOf(plain, text, at) ?? at;
    if (text[at] === '"') return at + 1;
  }
  return undefined;
}

/** What may come after a token that begins so; `undefined`: it can't be here. Keeps `open`, the brackets around it. */
function after(found: string | undefined, next: Next, open: ('{' | '[')[]): Next | undefined {
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
  if (next === 'name' || next === 'nameOrEnd') return found === '"' ? ':' : undefined;
  if (next !== 'value' && next !== 'valueOrEnd') return undefined;
  if (found !== '{' && found !== '[') return 'afterValue';
  open.push(found);
  return found === '{' ? 'nameOrEnd' : 'valueOrEnd';
}
