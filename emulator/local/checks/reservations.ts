import type { SyntaxNode } from '@lezer/common';
import { importsOf } from '../python-code/imports.ts';
import { textOf } from '../python-code/tree.ts';
import { type CheckedCode, callsIn, isImport } from './app-code.ts';
import type { Finding } from './finding.ts';
import { nodesIn, runsLater } from './nodes.ts';

/** `File.reserve()` without `complete` or `abort`: its address would never have a file. */
export function reservationFindings(code: CheckedCode): readonly Finding[] {
  const { source } = code;
  // A walk of the whole file, which few files need.
  if (!/\.\s*reserve\s*\(/.test(source.text)) return [];
  return [...nodesIn(source.top)]
    .filter(({ name }) => name === 'FunctionDefinition')
    .flatMap((node) => inside(code, node));
}

function inside({ source, imports }: CheckedCode, node: SyntaxNode): readonly Finding[] {
  const body = node.getChild('Body');
  if (!body) return [];
  let used: Map<string, SyntaxNode[]> | undefined;
  const own = importsOf(source, [...nodesIn(body, (inner) => !runsLater(inner))].filter(isImport));
  return [...callsIn(source, body, [own, imports])]
    .filter((call) => /^fal\.toolkit\.(.*\.)?reserve$/.test(call.name) && isLeft(call.node))
    .map(({ node: { from, to } }) => ({
      code: 'unfinished-reservation',
      message:
        'The address that reserve() gives out has no file until complete() sends it. Call complete() or, where that ' +
        "can't happen any more, abort().",
      from,
      to,
      fixes: [],
    }));

  /** Only its address is used: nothing else gets it. */
  function isLeft({ parent }: SyntaxNode): boolean {
    if (parent?.name === 'ExpressionStatement') return true;
    if (parent?.name === 'MemberExpression') return property(parent) === 'url';
    if (parent?.name !== 'AssignStatement' || parent.getChildren('AssignOp').length !== 1) return false;
    const target = parent.firstChild;
    if (target?.name !== 'VariableName' || !body) return false;
    const name = textOf(source, target);
    return (uses().get(name) ?? []).every(
      (use) => use.from === target.from || /^(url|file_name|content_type)$/.test(property(use.parent) ?? ''),
    );
  }

  /** By name, walked once. */
  function uses(): ReadonlyMap<string, readonly SyntaxNode[]> {
    if (used) return used;
    used = new Map();
    for (const one of body ? nodesIn(body) : []) {
      if (one.name !== 'VariableName') continue;
      const name = textOf(source, one);
      const all = used.get(name);
      if (all) all.push(one);
      else used.set(name, [one]);
    }
    return used;
  }

  function property(member: SyntaxNode | null): string | undefined {
    const last = member?.name === 'MemberExpression' ? member.getChild('PropertyName') : null;
    return last ? textOf(source, last) : undefined;
  }
}
