/** A definition in a Python file that `fal run FILE::NAME` accepts. */
export interface FoundApp {
  readonly name: string;
  readonly kind: 'app' | 'function';
  /** 0-based. */
  readonly line: number;
}

/**
 * The `fal.App` classes and `@fal.function` functions at the top level of a Python file, in source order. The text is
 * read, never run; base classes in other files are not followed.
 */
export function parseApps(source: string): readonly FoundApp[] {
  if (!source.includes('fal')) return [];
  const code = blankLiterals(source);
  const names = importedNames(code);
  if (names.apps.size === 0 && names.functions.size === 0) return [];
  const statements = /^(?:class\s+(\w+)\s*|@\s*([\w.]+)\s*)\(?/gm;
  const found: FoundApp[] = [];
  for (const match of code.matchAll(statements)) {
    const [text, className, decorator] = match;
    const end = match.index + text.length;
    const args = text.endsWith('(') ? argumentsFrom(code, end) : { list: [], end };
    if (className !== undefined && args.list.some((base) => names.apps.has(base))) {
      names.apps.add(className);
      found.push({ name: className, kind: 'app', line: lineOf(code, match.index) });
    } else if (decorator !== undefined && names.functions.has(decorator)) {
      const def = /^(?:async[ \t]+)?def\s+(\w+)|^class\s/m.exec(code.slice(args.end));
      if (def?.[1]) found.push({ name: def[1], kind: 'function', line: lineOf(code, args.end + def.index) });
    }
  }
  return found;
}

/** Replaces comments and the contents of strings by spaces, so that every other character keeps its position. */
function blankLiterals(source: string): string {
  const literal =
    /#[^\n]*|("""|''')(?:\\[\s\S]|(?!\1)[\s\S])*(?:\1|$)|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?/g;
  return source.replace(literal, (text) => text.replace(/[^\n]/g, ' '));
}

/** This file's names for `fal.App` and `fal.function`. `App` also collects the subclasses found so far. */
function importedNames(code: string): { readonly apps: Set<string>; readonly functions: Set<string> } {
  const apps = new Set<string>();
  const functions = new Set<string>();
  for (const [, module] of code.matchAll(/^[ \t]*import[ \t]+([^\n]+)/gm)) {
    for (const part of (module ?? '').split(',')) {
      const [, as] = /^\s*fal(?:\s+as\s+(\w+))?\s*$/.exec(part) ?? [undefined, undefined];
      if (!/^\s*fal\b(?!\s*\.)/.test(part)) continue;
      apps.add(`${as ?? 'fal'}.App`);
      functions.add(`${as ?? 'fal'}.function`);
    }
  }
  for (const [, inParens, onLine] of code.matchAll(
    /^[ \t]*from[ \t]+fal(?:\.app)?[ \t]+import[ \t]*(?:\(([^)]*)\)|([^\n]*))/gm,
  )) {
    for (const part of (inParens ?? onLine ?? '').split(',')) {
      const [, name, as] = /^\s*(App|function)(?:\s+as\s+(\w+))?\s*$/.exec(part) ?? [];
      if (name === 'App') apps.add(as ?? name);
      if (name === 'function') functions.add(as ?? name);
    }
  }
  return { apps, functions };
}

/** The positional arguments from `start`, which is just after a `(`, to the matching `)`. */
function argumentsFrom(code: string, start: number): { readonly list: readonly string[]; readonly end: number } {
  const list: string[] = [];
  let depth = 1;
  let from = start;
  let at = start;
  for (; at < code.length && depth > 0; at++) {
    const character = code[at] ?? '';
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    if (depth === 0 || (depth === 1 && character === ',')) {
      list.push(code.slice(from, at).trim());
      from = at + 1;
    }
  }
  return { list, end: at };
}

function lineOf(code: string, index: number): number {
  return code.slice(0, index).split('\n').length - 1;
}
