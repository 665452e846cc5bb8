import type { SyntaxNode } from '@lezer/common';
import { children, type Source, textOf } from './tree.ts';

export type Literal = string | number | boolean | null | readonly Literal[];

/** The module's constants that are literals, by name: a setting may name one. */
export type Constants = ReadonlyMap<string, Literal>;

/** The value of an expression that a person would read off the source; `undefined`: it isn't a literal. */
export function literalOf(source: Source, node: SyntaxNode, constants: Constants): Literal | undefined {
  const text = textOf(source, node);
  switch (node.name) {
    case 'Number':
      return numberOf(text);
    case 'String':
      return stringOf(text);
    case 'Boolean':
      return text === 'True';
    case 'None':
      return null;
    case 'VariableName':
      return constants.get(text);
    case 'ContinuedString': {
      const parts = children(node).map((part) => literalOf(source, part, constants));
      return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
    }
    case 'ParenthesizedExpression': {
      const [inner, ...more] = values(node);
      return inner && more.length === 0 ? literalOf(source, inner, constants) : undefined;
    }
    case 'UnaryExpression': {
      const operand = node.lastChild && literalOf(source, node.lastChild, constants);
      return text.startsWith('-') && typeof operand === 'number' ? -operand : undefined;
    }
    case 'ArrayExpression':
    case 'TupleExpression': {
      const items = values(node).map((item) => literalOf(source, item, constants));
      return items.every((item) => item !== undefined) ? items : undefined;
    }
    default:
      return undefined;
  }
}

function values(node: SyntaxNode): readonly SyntaxNode[] {
  return children(node).filter(({ name }) => !['(', ')', '[', ']', ',', 'Comment'].includes(name));
}

function numberOf(text: string): number | undefined {
  const value = Number(text.replaceAll('_', '').toLowerCase());
  return Number.isFinite(value) ? value : undefined;
}

const escapes: { readonly [letter: string]: string } = { n: '\n', t: '\t', r: '\r', '\n': '' };

export function stringOf(text: string): string | undefined {
  const [, prefix = '', , body = ''] = /^([a-z]*)("""|'''|"|')([\s\S]*)\2$/i.exec(text) ?? [];
  if (/[bft]/i.test(prefix)) return undefined;
  if (/r/i.test(prefix)) return body;
  return body.replace(/\\([\s\S])/g, (_, letter: string) => escapes[letter] ?? letter);
}
