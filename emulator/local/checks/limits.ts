import type { SyntaxNode } from '@lezer/common';
import { argumentsOf, definitionOf, statementsIn } from '../python-code/statements.ts';
import { children, textOf } from '../python-code/tree.ts';
import { type Call, type CheckedCode, callsIn } from './app-code.ts';
import type { Finding, Fix } from './finding.ts';

/** Limits of a JSON schema, and the arguments of pydantic that enforce them. */
const enforcing: { readonly [limit: string]: string } = {
  maximum: 'le',
  minimum: 'ge',
  exclusiveMaximum: 'lt',
  exclusiveMinimum: 'gt',
  maxLength: 'max_length',
  minLength: 'min_length',
};

/** Limits that are only in the schema: nothing refuses what is over them. */
export function limitFindings(code: CheckedCode): readonly Finding[] {
  const { source, imports, statements } = code;
  if (!/\b(constraints|json_schema_extra)\s*=/.test(source.text)) return [];
  // Something in the file refuses inputs; what, only a reader can say.
  if (/\b(raise|assert)\b|validator/.test(source.text)) return [];
  return statements.flatMap((statement) => {
    const definition = definitionOf(statement);
    const body = definition?.node.name === 'ClassDefinition' ? definition.node.getChild('Body') : undefined;
    return (body ? statementsIn(body) : [])
      .filter(({ name }) => name === 'AssignStatement')
      .flatMap((field) => [...callsIn(source, field, [imports])].flatMap((call) => inCall(code, call)));
  });
}

function inCall(code: CheckedCode, { name, args, node }: Call): readonly Finding[] {
  const { source } = code;
  const { keywords } = argumentsOf(source, args);
  const given = (wanted: string) => keywords.find((one) => textOf(source, one.name) === wanted);
  const constraints = given('constraints');
  if (constraints && /^fal\.toolkit\.(.*\.)?\w+Field$/.test(name)) return [finding(constraints.name, [])];
  const extra = given('json_schema_extra')?.value;
  if (extra?.name !== 'DictionaryExpression' || !/(^|\.)\w*Field$/.test(name)) return [];
  const missing = entriesOf(extra).flatMap(([key, value]) => {
    const argument = enforcing[textOf(source, key).slice(1, -1)];
    const isNumber = value.name === 'Number';
    return argument !== undefined && isNumber && !given(argument)
      ? [{ key, text: `${argument}=${textOf(source, value)}` }]
      : [];
  });
  const [first] = missing;
  if (!first) return [];
  const list = missing.map(({ text }) => text).join(', ');
  const fix = { title: `Add ${list}`, edits: [{ from: extra.to, to: extra.to, text: `, ${list}` }] };
  return [finding(first.key, node.type.isError ? [] : [fix])];
}

function finding({ from, to }: SyntaxNode, fixes: readonly Fix[]): Finding {
  return {
    code: 'limits-not-enforced',
    message:
      'This limit is only in the schema: nothing refuses a value over it, not even the SDK. Check it in a validator ' +
      'or in the endpoint, or use an argument of pydantic such as `le`.',
    from,
    to,
    fixes,
  };
}

/** Pairs of string keys and values. */
function entriesOf(dictionary: SyntaxNode): readonly (readonly [SyntaxNode, SyntaxNode])[] {
  const nodes = children(dictionary).filter(({ name }) => name !== 'Comment');
  return nodes.flatMap((key, at) => {
    const value = nodes[at + 2];
    return key.name === 'String' && nodes[at + 1]?.name === ':' && value ? [[key, value] as const] : [];
  });
}
