import type { SyntaxNode } from '@lezer/common';
import { appsOfFile, type FoundApp, filesOf } from '../python-code/apps.ts';
import { isFal } from '../python-code/fal-names.ts';
import { type Imports, importsOf } from '../python-code/imports.ts';
import { type Literal, literalOf } from '../python-code/literal.ts';
import { falName, fileOf, type PythonFile, type Reading, readingOf } from '../python-code/python-file.ts';
import { argumentsOf, assignment, definitionOf, dotted, statementsIn } from '../python-code/statements.ts';
import { children, type Source, textOf } from '../python-code/tree.ts';
import { nodesIn, runsLater } from './nodes.ts';
import { ownNames } from './own-names.ts';

/** A setting with its place in the tree. */
export interface SettingCode {
  readonly name: string;
  readonly nameNode: SyntaxNode;
  readonly value: SyntaxNode;
  /** `undefined`: computed. */
  readonly literal: Literal | undefined;
}

interface EndpointCode {
  readonly kind: 'http' | 'realtime' | 'websocket';
  /** `undefined`: computed. */
  readonly path: string | undefined;
  /** The platform calls it to learn whether a runner is well. */
  readonly isHealthCheck: boolean;
}

export interface MethodCode {
  readonly name: string;
  readonly node: SyntaxNode;
  readonly isAsync: boolean;
  /** Absent: callers don't reach it. */
  readonly endpoint: EndpointCode | undefined;
  readonly body: SyntaxNode | undefined;
  /** Those in the method, and those of the file that no variable of the method hides. */
  readonly imports: readonly Imports[];
}

/** An app with its place in the tree. */
export interface AppCode {
  readonly name: string;
  readonly node: SyntaxNode;
  readonly body: SyntaxNode;
  /** No other class of an app is between it and `fal.App`, so all its settings are here. */
  readonly isDirect: boolean;
  readonly settings: readonly SettingCode[];
  readonly methods: readonly MethodCode[];
}

/** A file that is checked. */
export interface CheckedCode extends Reading {
  readonly file: PythonFile;
  /** Statements that run when the file is imported. */
  readonly statements: readonly SyntaxNode[];
  readonly apps: readonly AppCode[];
}

/** `known`: its apps, where other files' classes count, too. */
export function checkedCode(source: Source, known: readonly FoundApp[] | undefined): CheckedCode {
  const reading = readingOf(source);
  const file = fileOf(source, reading);
  const found = known ?? appsOfFile(filesOf(new Map([['', file]])), '', () => false);
  const names = new Set(found.filter(({ kind }) => kind === 'app').map(({ name }) => name));
  const apps = reading.statements.flatMap((statement) => {
    const definition = definitionOf(statement);
    const name = definition?.node.getChild('VariableName');
    const body = definition?.node.getChild('Body');
    if (!definition || !name || !body || definition.node.name !== 'ClassDefinition') return [];
    return names.has(textOf(source, name)) ? [appOf(reading, definition.node, textOf(source, name), body)] : [];
  });
  return { ...reading, file, apps };
}

function appOf(reading: Reading, node: SyntaxNode, name: string, body: SyntaxNode): AppCode {
  const { source, constants } = reading;
  const { positional, keywords } = argumentsOf(source, node.getChild('ArgList'));
  const statements = statementsIn(body);
  const setting = (nameNode: SyntaxNode, value: SyntaxNode): SettingCode => ({
    name: textOf(source, nameNode),
    nameNode,
    value,
    literal: literalOf(source, value, constants),
  });
  return {
    name,
    node,
    body,
    isDirect: positional.length === 1 && positional.every((base) => isFalApp(reading, textOf(source, base))),
    settings: [
      ...keywords.map((one) => setting(one.name, one.value)),
      ...statements.flatMap((statement) => {
        const assigned = assignment(statement);
        return assigned ? [setting(assigned.target, assigned.value)] : [];
      }),
    ],
    methods: statements.flatMap((statement) => methodOf(reading, statement)),
  };
}

function isFalApp({ imports }: Reading, base: string): boolean {
  const full = fullName([imports], dotted(base)) ?? dotted(base);
  const [, module = '', last] = /^(.*)\.([^.]+)$/.exec(full) ?? [];
  // Apps of fal.wma get packages that they don't list.
  return last === 'App' && isFal(module) && module !== 'fal.wma';
}

function methodOf(reading: Reading, statement: SyntaxNode): readonly MethodCode[] {
  const { source } = reading;
  const found = definitionOf(statement);
  const name = found?.node.getChild('VariableName');
  if (!found || !name || found.node.name !== 'FunctionDefinition') return [];
  const { node, decorators } = found;
  const decorator = decorators.find((one) => /^(endpoint|realtime)$/.test(falName(reading, one) ?? ''));
  const own = importsOf(source, [...nodesIn(node)].filter(isImport));
  return [
    {
      name: textOf(source, name),
      node,
      isAsync: node.firstChild?.name === 'async',
      endpoint: decorator && endpointOf(reading, decorator),
      body: node.getChild('Body') ?? undefined,
      imports: [own, visible(reading.imports, ownNames(source, node))],
    },
  ];
}

/** Without those that other values hide. */
function visible(imports: Imports, hidden: ReadonlySet<string>): Imports {
  const { modules, names } = imports;
  if (![...modules.keys(), ...names.keys()].some((name) => hidden.has(name))) return imports;
  const rest = <T>(map: ReadonlyMap<string, T>) => new Map([...map].filter(([name]) => !hidden.has(name)));
  return { ...imports, modules: rest(modules), names: rest(names) };
}

function endpointOf(reading: Reading, decorator: SyntaxNode): EndpointCode {
  const { source, constants } = reading;
  const { positional, keywords } = argumentsOf(source, decorator.getChild('ArgList'));
  const given = (name: string) => keywords.find((one) => textOf(source, one.name) === name)?.value;
  const pathNode = positional[0] ?? given('path');
  const path = pathNode && literalOf(source, pathNode, constants);
  const websocket = given('is_websocket');
  const isWebsocket = websocket !== undefined && textOf(source, websocket) === 'True';
  return {
    kind: falName(reading, decorator) === 'realtime' ? 'realtime' : isWebsocket ? 'websocket' : 'http',
    path: typeof path === 'string' ? path : undefined,
    isHealthCheck: given('health_check') !== undefined || path === '/health',
  };
}

export function isImport({ name }: { readonly name: string }): boolean {
  return name === 'ImportStatement';
}

/** The last one counts: Python's attributes win over keywords, and later ones over earlier ones. */
export function settingOf(app: AppCode, name: string): SettingCode | undefined {
  return app.settings.findLast((one) => one.name === name);
}

/** A call by its full name: `requests.get(…)` of `from requests import get`. */
export interface Call {
  readonly node: SyntaxNode;
  readonly name: string;
  /** Otherwise the name is that of a variable, or of something in the file, and says little. */
  readonly isImported: boolean;
  readonly args: SyntaxNode;
}

/** The calls that run when a node runs. */
export function* callsIn(source: Source, node: SyntaxNode, imports: readonly Imports[]): Generator<Call, void> {
  for (const one of nodesIn(node, (inner) => !runsLater(inner))) {
    if (one.name !== 'CallExpression') continue;
    const [callee, args] = children(one);
    if (!callee || args?.name !== 'ArgList' || !/^(VariableName|MemberExpression)$/.test(callee.name)) continue;
    const text = textOf(source, callee);
    if (text.length > maxNameLength || !/^[\w.\s]+$/.test(text)) continue;
    const written = text.replace(/\s/g, '');
    const full = fullName(imports, written);
    yield { node: one, name: full ?? written, isImported: full !== undefined, args };
  }
}

const maxNameLength = 200;

/** `requests.get` for `get` of `from requests import get`; `undefined`: it isn't imported. */
function fullName(imports: readonly Imports[], name: string): string | undefined {
  const [first = name, ...rest] = name.split('.');
  for (const { names, modules } of imports) {
    const from = names.get(first);
    if (from) return [from.module, from.name, ...rest].join('.');
    const module = modules.get(first);
    if (module !== undefined) return [module, ...rest].join('.');
  }
  return undefined;
}
