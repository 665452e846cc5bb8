import type { SyntaxNode } from '@lezer/common';
import { isFal } from '../../python-code/fal-names.ts';
import { type Reading, readingOf } from '../../python-code/python-file.ts';
import { argumentsOf, definitionOf, dotted, statementsIn } from '../../python-code/statements.ts';
import { children, readTree, textOf } from '../../python-code/tree.ts';
import { nodesIn } from '../nodes.ts';

/** A class of pydantic, with the fields of its bases. */
export interface DataModel {
  readonly name: string;
  /** Where it is, if it is in the file that is checked. */
  readonly place: SyntaxNode | undefined;
  readonly fields: readonly DataField[];
  /** As a whole: `json_schema_extra` of its `model_config`. */
  readonly hasExamples: boolean;
}

export interface DataField {
  readonly name: string;
  /** `int` of `int | None`, `Optional[int]` and `Annotated[int, …]`. */
  readonly type: string;
  readonly hasDefault: boolean;
  /** What `Field(…)` says, by the name of its argument. */
  readonly says: ReadonlySet<string>;
}

/** A file, and its imports as texts. */
export interface ModelScope {
  readonly reading: Reading & { readonly statements: readonly SyntaxNode[] };
  readonly isChecked: boolean;
  /** The scope of a module that this file imports; `undefined`: not one of the project. */
  readonly moduleScope: (module: string) => ModelScope | undefined;
  /** What was found, by name; also while it is looked for, because classes may derive from each other. */
  readonly known: Map<string, DataModel | undefined>;
}

/** Finds the text of a module that a file imports, and that file. */
export type ModuleReader = (module: string, importer: string) => { file: string; text: string } | undefined;

/** Files that import each other are read once. */
export function modelScope(reading: ModelScope['reading'], file: string, read: ModuleReader): ModelScope {
  const scopes = new Map<string, ModelScope>();
  const scopeOf = (inner: ModelScope['reading'], at: string, isChecked: boolean): ModelScope => {
    const scope: ModelScope = {
      reading: inner,
      isChecked,
      known: new Map(),
      moduleScope: (module) => {
        const found = read(module, at);
        return found && (scopes.get(found.file) ?? scopeOf(readingOf(readTree(found.text)), found.file, false));
      },
    };
    scopes.set(at, scope);
    return scope;
  };
  return scopeOf(reading, file, true);
}

/** Guards the stack. */
const maxDepth = 100;
const maxFields = 500;

/** The model that a name refers to; `undefined`: none, or nobody knows. */
export function dataModel(scope: ModelScope, name: string, depth = 0): DataModel | undefined {
  const { known } = scope;
  if (depth > maxDepth || known.has(name)) return known.get(name);
  known.set(name, undefined);
  const model = foundModel(scope, name, depth);
  known.set(name, model);
  return model;
}

function foundModel(scope: ModelScope, name: string, depth: number): DataModel | undefined {
  const { source } = scope.reading;
  const found = scope.reading.statements.map(definitionOf).findLast((one) => {
    const node = one?.node;
    return node?.name === 'ClassDefinition' && textOf(source, node.getChild('VariableName') ?? node) === name;
  });
  const node = found?.node;
  const body = node?.getChild('Body');
  if (!node || !body) return imported(scope, name, depth);
  const bases = argumentsOf(source, node.getChild('ArgList')).positional.map((base) => dotted(textOf(source, base)));
  const above = bases.map((base) => (isModelBase(scope, base) ? 'base' : dataModel(scope, base, depth + 1)));
  // A mixin that nobody knows is no reason to know nothing.
  if (above.every((base) => base === undefined)) return undefined;
  const fields = new Map<string, DataField>();
  for (const base of above) if (base && base !== 'base') for (const field of base.fields) fields.set(field.name, field);
  for (const statement of statementsIn(body)) {
    const field = fieldOf(scope, statement);
    if (field) fields.set(field.name, field);
  }
  return {
    name,
    place: scope.isChecked ? (node.getChild('VariableName') ?? undefined) : undefined,
    fields: [...fields.values()].slice(0, maxFields),
    hasExamples: statementsIn(body).some((one) =>
      /^(model_config|class Config)\b[\s\S]*\bexamples?\b/.test(textOf(source, one)),
    ),
  };
}

function imported(scope: ModelScope, name: string, depth: number): DataModel | undefined {
  const { imports } = scope.reading;
  const [, module, last = name] = /^(.*)\.([^.]+)$/.exec(name) ?? [];
  const from = imports.names.get(name);
  const target = module === undefined ? from?.module : imports.modules.get(module);
  const inside = target === undefined ? undefined : scope.moduleScope(target);
  return inside && dataModel(inside, from?.name ?? last, depth + 1);
}

/** `BaseModel` of pydantic, or what the SDK makes of it. */
function isModelBase({ reading: { imports } }: ModelScope, base: string): boolean {
  const [, module, last = base] = /^(.*)\.([^.]+)$/.exec(base) ?? [];
  const from = imports.names.get(base);
  const target = (module === undefined ? from?.module : imports.modules.get(module)) ?? '';
  return (
    /^(BaseModel|FalBaseModel)$/.test(from?.name ?? last) &&
    (/^pydantic(\.|$)/.test(target) || isFal(target) || target.startsWith('fal.'))
  );
}

/** `name: type`, perhaps with a value. Hidden fields and settings of the class are none. */
function fieldOf({ reading: { source } }: ModelScope, statement: SyntaxNode): DataField | undefined {
  const [target, type] = statement.name === 'AssignStatement' ? children(statement) : [];
  if (target?.name !== 'VariableName' || type?.name !== 'TypeDef') return undefined;
  const name = textOf(source, target);
  const written = textOf(source, type).replace(/^:\s*/, '');
  if (name.startsWith('_') || name === 'model_config' || /^(typing\.)?ClassVar\b/.test(written)) return undefined;
  const value = statement.getChild('AssignOp') ? statement.lastChild : null;
  const calls = [...nodesIn(statement)].filter((one) => one.name === 'CallExpression');
  const named = (call: SyntaxNode, form: RegExp) => form.test(textOf(source, call.firstChild ?? call));
  if (calls.some((call) => named(call, /(^|\.)Hidden$/))) return undefined;
  const field = calls.find((call) => named(call, /(^|\.)\w*Field$/));
  const { positional, keywords } = argumentsOf(source, field?.getChild('ArgList') ?? null);
  const says = new Set(keywords.map((one) => textOf(source, one.name)));
  if (field && /["']?\bexamples?\b["']?\s*[=:]/.test(textOf(source, field))) says.add('examples');
  const [first] = positional;
  // Other fields of the SDK, such as ImageField, have no argument for a value first.
  const isGiven = first !== undefined && textOf(source, first) !== '...';
  const isField = field !== undefined && value?.from === field.from;
  const hasDefault = isField ? isGiven || says.has('default') || says.has('default_factory') : value !== null;
  return { name, type: plainType(written), hasDefault, says };
}

function plainType(written: string): string {
  const text = written.replace(/\s/g, '').replace(/\b(typing|t)\./g, '');
  const inner = /^Annotated\[([\w.]+(?:\[[^\]]*\])?(?:\|None)?)/.exec(text)?.[1] ?? text;
  const optional = /^Optional\[(.*)\]$/.exec(inner)?.[1] ?? inner;
  return optional.replace(/\|None$|^None\|/, '');
}
