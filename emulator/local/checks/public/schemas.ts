import type { SyntaxNode } from '@lezer/common';
import { textOf } from '../../python-code/tree.ts';
import type { AppCode, CheckedCode, MethodCode } from '../app-code.ts';
import type { Finding } from '../finding.ts';
import { isOfFastApi, parametersOf } from '../parameters.ts';
import type { PublicCode } from './codes.ts';
import { type DataField, type DataModel, dataModel, type ModelScope } from './data-models.ts';

type PublicFinding = Finding<PublicCode>;

/** Types that describe nothing. */
const vague = /^(dict|Dict|Mapping|Any|object|list|List|Sequence)(\[.*\])?$/;
const plain = /^(str|int|float|bool|bytes)$/;

/** What the schemas of an app's endpoints lack, from which its page and its clients are made. */
export function schemaFindings(code: CheckedCode, app: AppCode, scope: ModelScope): readonly PublicFinding[] {
  const seen = new Set<string>();
  return app.methods
    .filter(({ endpoint }) => endpoint?.kind === 'http' && !endpoint.isHealthCheck)
    .flatMap((method) => [
      ...inputs(code, method).flatMap(({ type, at }) => {
        if (vague.test(type) || plain.test(type)) return [withoutSchema(method, at, type)];
        const model = dataModel(scope, type);
        if (!model || seen.has(model.name)) return [];
        seen.add(model.name);
        return [...ofInput(model, at), ...descriptions(model, at)];
      }),
      ...output(code, method).flatMap(({ type, at }) => {
        if (vague.test(type)) return [withoutSchema(method, at, type)];
        const model = dataModel(scope, type);
        if (!model || seen.has(model.name)) return [];
        seen.add(model.name);
        return descriptions(model, at);
      }),
    ]);
}

interface Typed {
  readonly type: string;
  readonly at: SyntaxNode;
}

function inputs({ source }: CheckedCode, { node }: MethodCode): readonly Typed[] {
  const [, ...parameters] = parametersOf(node.getChild('ParamList'));
  return parameters.flatMap(({ stars, type, fallback }) => {
    if (stars !== '' || !type || isOfFastApi(source, fallback)) return [];
    return [{ type: typeText(textOf(source, type)), at: type }];
  });
}

function output({ source }: CheckedCode, { node }: MethodCode): readonly Typed[] {
  const type = node.getChild('TypeDef');
  return type ? [{ type: typeText(textOf(source, type)), at: type }] : [];
}

/** Without `:`, `->`, quotes, parentheses and `| None`. */
function typeText(written: string): string {
  const text = written.replace(/^(:|->)/, '').replace(/[\s()"']/g, '');
  return text.replace(/^typing\./, '').replace(/\|None$/, '');
}

function withoutSchema({ name }: MethodCode, { from, to }: SyntaxNode, type: string): PublicFinding {
  return {
    code: 'public-schema',
    message:
      `The type ${type.slice(0, 60)} of ${name} describes nothing to callers, and makes no form in a playground. Use ` +
      'a pydantic model.',
    from,
    to,
    fixes: [],
  };
}

function ofInput(model: DataModel, at: SyntaxNode): readonly PublicFinding[] {
  const without = model.fields.filter(
    ({ hasDefault, says }) => !hasDefault && !says.has('examples') && !model.hasExamples,
  );
  const endless = model.fields.filter(isEndless);
  return [
    ...finding(
      'public-examples',
      model,
      at,
      without,
      'must be given and has no example',
      'must be given and have no examples',
      'The playground would begin with a request that fails. Add `examples=[…]`.',
    ),
    ...finding(
      'public-limits',
      model,
      at,
      endless,
      'has no upper limit',
      'have no upper limits',
      'Any caller could keep a runner busy for a long time. Add `le`, or `max_length` for texts and lists.',
    ),
  ];
}

function descriptions(model: DataModel, at: SyntaxNode): readonly PublicFinding[] {
  const without = model.fields.filter(({ says }) => !says.has('description'));
  return finding(
    'public-descriptions',
    model,
    at,
    without,
    'has no description',
    'have no descriptions',
    'Add `Field(description="…")`.',
  );
}

/** Numbers, texts and lists of any size. A seed has no limit, and the length of an address is that of its protocol. */
function isEndless({ name, type, says }: DataField): boolean {
  const has = (...names: readonly string[]) => names.some((one) => says.has(one));
  if (/^(int|float)$/.test(type)) return !has('le', 'lt') && !/(^|_)seed$/.test(name);
  if (/^(list|List|set|Set)\b/.test(type)) return !has('max_length', 'max_items');
  return type === 'str' && !has('max_length', 'pattern', 'regex') && !/(^|_)url$/.test(name);
}

const maxNamed = 5;

function finding(
  code: PublicCode,
  model: DataModel,
  at: SyntaxNode,
  fields: readonly DataField[],
  one: string,
  several: string,
  advice: string,
): readonly PublicFinding[] {
  if (fields.length === 0) return [];
  const { from, to } = model.place ?? at;
  const names = fields.slice(0, maxNamed).map(({ name }) => `${model.name}.${name}`);
  const more = fields.length - names.length;
  const listed = more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
  return [{ code, message: `${listed} ${fields.length === 1 ? one : several}. ${advice}`, from, to, fixes: [] }];
}
