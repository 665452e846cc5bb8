import type { SyntaxNode } from '@lezer/common';
import { children, type Source, textOf } from './tree.ts';

/** What the names in a file refer to. */
export interface Imports {
  /** Names of modules: `fal` -> `fal`, `f` -> `fal`, `pkg.base` -> `pkg.base`. */
  readonly modules: ReadonlyMap<string, string>;
  /** Names out of modules, by the name here. `..base` is the module of a relative import. */
  readonly names: ReadonlyMap<string, { readonly module: string; readonly name: string }>;
  /** Modules of `from … import *`. */
  readonly stars: readonly string[];
}

export function importsOf(source: Source, statements: readonly SyntaxNode[]): Imports {
  const modules = new Map<string, string>();
  const names = new Map<string, { module: string; name: string }>();
  const stars: string[] = [];
  for (const statement of statements) {
    const parts = partsOf(source, statement);
    const { module } = parts;
    for (const { name, as } of parts.list) {
      if (module === undefined) {
        modules.set(as ?? name, name);
        // `import a.b` binds the name `a`.
        const [first = name] = name.split('.');
        if (as === undefined) modules.set(first, first);
      } else if (name === '*') stars.push(module);
      else {
        names.set(as ?? name, { module, name });
        // The name may also be a module of that package.
        modules.set(as ?? name, module.endsWith('.') ? `${module}${name}` : `${module}.${name}`);
      }
    }
  }
  return { modules, names, stars };
}

interface Parts {
  /** Only after `from`. */
  readonly module: string | undefined;
  readonly list: readonly { readonly name: string; readonly as?: string }[];
}

function partsOf(source: Source, statement: SyntaxNode): Parts {
  const words = children(statement)
    .filter(({ name }) => name !== 'Comment' && name !== '(' && name !== ')')
    .map((node) => textOf(source, node));
  const isFrom = words[0] === 'from';
  const at = isFrom ? words.indexOf('import') : 0;
  const module = isFrom ? words.slice(1, at < 0 ? undefined : at).join('') : undefined;
  if (at < 0) return { module, list: [] };
  const list = split(words.slice(at + 1)).flatMap((part) => {
    const as = part.indexOf('as');
    const name = part.slice(0, as < 0 ? undefined : as).join('');
    const alias = as < 0 ? undefined : part[as + 1];
    return name === '' ? [] : [{ name, ...(alias === undefined ? {} : { as: alias }) }];
  });
  return { module, list };
}

function split(words: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [[]];
  for (const word of words) {
    if (word === ',') parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts;
}
