import type { SyntaxNode } from '@lezer/common';
import { machineTypes, nearestMachineType } from '../machine-types.ts';
import { stringOf } from '../python-code/literal.ts';
import { children, textOf } from '../python-code/tree.ts';
import { type AppCode, type CheckedCode, settingOf } from './app-code.ts';
import type { Finding, Fix } from './finding.ts';
import { nodesIn } from './nodes.ts';

/** Machine types that don't exist. */
export function machineTypeFindings({ source }: CheckedCode, app: AppCode): readonly Finding[] {
  const value = settingOf(app, 'machine_type')?.value;
  return value ? stringsIn(value).flatMap((node) => unknownType(node, textOf(source, node))) : [];
}

function unknownType({ from, to }: SyntaxNode, text: string): readonly Finding[] {
  const name = stringOf(text);
  if (name === undefined || machineTypes.includes(name)) return [];
  const nearest = nearestMachineType(name);
  const advice = nearest === undefined ? `Choose one of ${machineTypes.join(', ')}.` : `Did you mean ${nearest}?`;
  const shown = JSON.stringify(name.slice(0, 60));
  return [
    {
      code: 'machine-type',
      message: `There is no machine type ${shown}. ${advice}`,
      from,
      to,
      fixes: nearest === undefined ? [] : [{ title: `Use ${nearest}`, edits: [{ from, to, text: `"${nearest}"` }] }],
    },
  ];
}

/** The string literals of a value: itself, or the items of a list, also of lists in it. */
export function stringsIn(value: SyntaxNode): readonly SyntaxNode[] {
  if (value.name === 'String') return [value];
  if (value.name !== 'ArrayExpression' && value.name !== 'TupleExpression') return [];
  return children(value).flatMap((item) =>
    item.name === 'ArrayExpression' ? children(item).filter(isString) : isString(item) ? [item] : [],
  );
}

function isString({ name }: SyntaxNode): boolean {
  return name === 'String';
}

/** `__init__`, which the SDK refuses. */
export function initFindings(code: CheckedCode, app: AppCode): readonly Finding[] {
  const init = app.methods.findLast(({ name }) => name === '__init__');
  const at = init?.node.getChild('VariableName');
  if (!init || !at) return [];
  return [
    {
      code: 'init-overridden',
      message: `${app.name} has an __init__, which fal refuses. Put what it does into setup(self).`,
      from: at.from,
      to: at.to,
      fixes: setupFix(code, app, init.node, at),
    },
  ];
}

/** Renames it to `setup` if it could be one: no parameters but `self`, and only plain calls of `super`. */
function setupFix({ source }: CheckedCode, app: AppCode, node: SyntaxNode, name: SyntaxNode): readonly Fix[] {
  const list = node.getChild('ParamList');
  const body = node.getChild('Body');
  if (!list || !body || !/^\(\s*self\s*,?\s*\)$/.test(textOf(source, list))) return [];
  if (app.methods.some((method) => method.name === 'setup')) return [];
  const supers = [...nodesIn(body)].filter((one) => one.name === 'VariableName' && textOf(source, one) === 'super');
  const calls = children(body).filter(
    (one) => one.name === 'ExpressionStatement' && /^super\(\)\.__init__\(\)$/.test(textOf(source, one)),
  );
  if (supers.length !== calls.length) return [];
  return [
    {
      title: 'Rename it to setup',
      edits: [
        { from: name.from, to: name.to, text: 'setup' },
        ...calls.map(({ from, to }) => ({ from, to, text: 'pass' })),
      ],
    },
  ];
}
