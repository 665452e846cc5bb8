import type { SyntaxNode } from '@lezer/common';
import { children, type Source, textOf } from '../python-code/tree.ts';

/** Parameters as the grammar has them: stars, a name, its type, and its default. */
export interface Parameter {
  readonly stars: string;
  readonly name: SyntaxNode;
  /** With its `:`. */
  readonly type: SyntaxNode | undefined;
  readonly fallback: SyntaxNode | undefined;
}

export function parametersOf(list: SyntaxNode | null): readonly Parameter[] {
  const found: Parameter[] = [];
  let part: SyntaxNode[] = [];
  const take = (): void => {
    const name = part.find((node) => node.name === 'VariableName');
    const at = part.findIndex((node) => node.name === 'AssignOp');
    const stars = part[0]?.name === '*' || part[0]?.name === '**' ? part[0].name : '';
    const type = part.find((node) => node.name === 'TypeDef');
    if (name) found.push({ stars, name, type, fallback: at < 0 ? undefined : part[at + 1] });
    part = [];
  };
  for (const node of list ? children(list) : []) {
    if (node.name === ',' || node.name === ')') take();
    else if (node.name !== '(' && node.name !== 'Comment') part.push(node);
  }
  return found;
}

/** `Depends(…)` and the like say where the value comes from, so no type is needed for that. */
export function isOfFastApi(source: Source, fallback: SyntaxNode | undefined): boolean {
  if (fallback?.name !== 'CallExpression') return false;
  return /^([\w.]*\.)?(Depends|Security|Body|Query|Path|Header|Cookie|Form|File)\s*\(/.test(textOf(source, fallback));
}
