import type { SyntaxNode } from '@lezer/common';
import { type Source, textOf } from '../python-code/tree.ts';
import { nodesIn, runsLater } from './nodes.ts';

const grouped = new Set(['TupleExpression', 'ArrayExpression', 'ParenthesizedExpression']);
/** What can be between a target and what makes it one: `for a, *b in c`. */
const amongTargets = new Set([',', '*', 'VariableName', 'TypeDef', ...grouped]);

/** The names that a function gives values itself, such as its parameters: in it, they aren't those of the file. */
export function ownNames(source: Source, definition: SyntaxNode): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of nodesIn(definition, (inner) => !runsLater(inner))) {
    if (node.name === 'VariableName' && isBound(node, definition)) names.add(textOf(source, node));
  }
  return names;
}

function isBound(node: SyntaxNode, definition: SyntaxNode): boolean {
  let target = node;
  while (target.parent && grouped.has(target.parent.name)) target = target.parent;
  const parent = target.parent?.name ?? '';
  if (parent === 'ParamList') return target.prevSibling?.name !== 'AssignOp';
  // Of a function or a class inside.
  if (parent.endsWith('Definition')) return target.parent?.from !== definition.from;
  if (target.prevSibling?.name === 'as') return parent !== 'ImportStatement';
  if (parent === 'AssignStatement' || parent === 'NamedExpression') return reaches(target, 'AssignOp');
  return (parent === 'ForStatement' || parent.includes('Comprehension')) && reaches(target, 'in');
}

function reaches(target: SyntaxNode, name: string): boolean {
  let next = target.nextSibling;
  while (next && amongTargets.has(next.name)) next = next.nextSibling;
  return next?.name === name;
}
