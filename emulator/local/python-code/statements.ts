import type { SyntaxNode } from '@lezer/common';
import { children, type Source, textOf } from './tree.ts';

/** Statements that have others in them, which also run when the file is imported. */
const compound = new Set(['IfStatement', 'TryStatement', 'WithStatement']);

/** Statements that run when the file is imported, including those of `if`, `try` and `with`. */
export function topLevel(source: Source, node: SyntaxNode): readonly SyntaxNode[] {
  return statementsIn(node).flatMap((statement) => {
    if (!compound.has(statement.name)) return [statement];
    return bodiesOf(source, statement).flatMap((body) => topLevel(source, body));
  });
}

/** Those in one line with `;` between them are a group. */
export function statementsIn(node: SyntaxNode): readonly SyntaxNode[] {
  return children(node).flatMap((one) => (one.name === 'StatementGroup' ? children(one) : [one]));
}

/** Without those that only a type checker, or only a program that is run itself, executes. */
function bodiesOf(source: Source, statement: SyntaxNode): readonly SyntaxNode[] {
  const bodies = statement.getChildren('Body');
  const isSkipped =
    statement.name === 'IfStatement' &&
    /^if\b(?!\s*\(?\s*not\b)[^:]*\b(__name__|TYPE_CHECKING)\b/.test(textOf(source, statement));
  return isSkipped ? bodies.slice(1) : bodies;
}

export interface Definition {
  readonly node: SyntaxNode;
  readonly top: SyntaxNode;
  readonly decorators: readonly SyntaxNode[];
}

export function definitionOf(statement: SyntaxNode): Definition | undefined {
  const decorated = statement.name === 'DecoratedStatement';
  const node = decorated ? statement.lastChild : statement;
  if (node?.name !== 'ClassDefinition' && node?.name !== 'FunctionDefinition') return undefined;
  if (!node.getChild('VariableName')) return undefined; // its name isn't typed yet
  return { node, top: statement, decorators: decorated ? statement.getChildren('Decorator') : [] };
}

/** `NAME = VALUE`, with or without an annotation; `undefined`: anything else. */
export function assignment(node: SyntaxNode): { readonly target: SyntaxNode; readonly value: SyntaxNode } | undefined {
  if (node.name !== 'AssignStatement' || node.getChildren('AssignOp').length !== 1) return undefined;
  const [target, ...rest] = children(node);
  const value = rest.at(-1);
  const isSimple = rest.length === 2 || (rest.length === 3 && rest[0]?.name === 'TypeDef');
  return target?.name === 'VariableName' && value && isSimple ? { target, value } : undefined;
}

export interface Arguments {
  readonly positional: readonly SyntaxNode[];
  readonly keywords: readonly { readonly name: SyntaxNode; readonly value: SyntaxNode }[];
}

export function argumentsOf(source: Source, list: SyntaxNode | null): Arguments {
  const positional: SyntaxNode[] = [];
  const keywords: { name: SyntaxNode; value: SyntaxNode }[] = [];
  const nodes = list ? children(list).filter(({ name }) => !['(', ')', 'Comment'].includes(name)) : [];
  let part: SyntaxNode[] = [];
  const take = (): void => {
    const [first, second, third] = part;
    if (first && third && second?.name === 'AssignOp') keywords.push({ name: first, value: third });
    else if (first && part.length === 1 && textOf(source, first) !== '') positional.push(first);
    part = [];
  };
  for (const node of nodes) {
    if (node.name === ',') take();
    else part.push(node);
  }
  take();
  return { positional, keywords };
}

/** `mod.Base[int]` and `mod.Base("x")` are `mod.Base`. */
export function dotted(text: string): string {
  return (/^[\w.\s]+/.exec(text)?.[0] ?? '').replace(/\s/g, '');
}
