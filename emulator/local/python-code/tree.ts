import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@lezer/python';
import { breather } from './breather.ts';

/** How often a parse in steps looks at the clock. */
const stepsBetweenLooks = 50;

/**
 * A source with its syntax tree. The grammar recovers from every error, so there always is a tree; its positions are
 * those of the source.
 */
export interface Source {
  readonly text: string;
  readonly top: SyntaxNode;
  /** Whether the grammar found an error: either there is one, or the grammar doesn't know the syntax. */
  readonly hasError: boolean;
}

/** Parses at once: about 5 MB of text a second. */
export function readTree(text: string): Source {
  return sourceOf(text, parser.parse(forGrammar(text)));
}

/** Parses in steps of a few milliseconds, between which `pause` resolves. */
export async function readTreeInSteps(text: string, pause: () => Promise<void>): Promise<Source> {
  const parse = parser.startParse(forGrammar(text));
  const breathe = breather(pause);
  for (let step = 1; ; step++) {
    const tree = parse.advance();
    if (tree) return sourceOf(text, tree);
    // A step takes microseconds.
    if (step % stepsBetweenLooks === 0) await breathe();
  }
}

/** The child nodes, in source order. */
export function children(node: SyntaxNode): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child);
  return found;
}

export function textOf({ text }: Source, { from, to }: { readonly from: number; readonly to: number }): string {
  return text.slice(from, to);
}

/** Returns the 0-based line of an offset; looks up in a list that is made once. */
export function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low;
  };
}

/** The grammar doesn't know `yield` without a value; another word of the same length keeps all positions. */
function forGrammar(text: string): string {
  return text.replace(/\byield\b(?=[ \t]*(?:[#)\]};\r\n]|$))/g, 'None ');
}

function sourceOf(text: string, tree: Tree): Source {
  let hasError = false;
  const cursor = tree.cursor();
  do {
    hasError = cursor.type.isError;
  } while (!hasError && cursor.next());
  return { text, top: tree.topNode, hasError };
}
