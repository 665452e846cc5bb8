import type { SyntaxNode } from '@lezer/common';
import { type Imports, importsOf } from './imports.ts';
import { type Constants, type Literal, literalOf } from './literal.ts';
import { isFal } from './mentions.ts';
import { children, lineFinder, readTree, readTreeInSteps, type Source, textOf } from './tree.ts';

/** A value given to the platform: an attribute of an app's class, or a keyword of it or of `fal.function`. */
export interface Setting {
  readonly name: string;
  /** `undefined`: computed; known only when the code runs. */
  readonly value: Literal | undefined;
  /** The expression, as written. */
  readonly text: string;
  /** 0-based; of the name. */
  readonly line: number;
  /** 0-based; the last line of the expression. */
  readonly endLine: number;
  /** `class A(fal.App, keep_alive=60)`. Where both are given, the attribute wins. */
  readonly isKeyword: boolean;
}

/** A method that callers reach. */
export interface Endpoint {
  readonly method: string;
  /** `undefined`: computed. */
  readonly path: string | undefined;
  readonly kind: 'http' | 'realtime' | 'websocket';
  readonly isAsync: boolean;
  /** The answer comes in parts. */
  readonly isStreaming: boolean;
  /** 0-based; of its first decorator. */
  readonly topLine: number;
  /** 0-based; of its name. */
  readonly line: number;
}

/** A class at the top level of a file, whether it is an app or not. */
export interface ClassCode {
  readonly name: string;
  /** Dotted names, without type arguments: `fal.App`. */
  readonly bases: readonly string[];
  /** 0-based; of its first decorator. */
  readonly topLine: number;
  /** 0-based; of its name. */
  readonly line: number;
  readonly endLine: number;
  /** Attributes and keywords, in source order. */
  readonly settings: readonly Setting[];
  readonly endpoints: readonly Endpoint[];
}

/** A function of `@fal.function`. */
export interface FunctionCode {
  readonly name: string;
  readonly topLine: number;
  readonly line: number;
  readonly endLine: number;
  readonly settings: readonly Setting[];
}

/** What a Python file says about apps. Plain data, without the tree. */
export interface PythonFile {
  readonly classes: readonly ClassCode[];
  readonly functions: readonly FunctionCode[];
  readonly imports: Imports;
  /** The grammar found an error. It doesn't know all of Python, so only Python itself can say whether there is one. */
  readonly isDoubtful: boolean;
}

/** Reads, never runs. Positions are those of the text, even around errors. */
export function readPythonFile(text: string): PythonFile {
  return fileOf(readTree(text));
}

/** The same in short steps, between which `pause` resolves. */
export async function readPythonFileInSteps(text: string, pause: () => Promise<void>): Promise<PythonFile> {
  return fileOf(await readTreeInSteps(text, pause));
}

interface Reading {
  readonly source: Source;
  readonly lineOf: (offset: number) => number;
  readonly imports: Imports;
  readonly constants: Constants;
}

function fileOf(source: Source): PythonFile {
  const statements = topLevel(source, source.top);
  const imports = importsOf(
    source,
    statements.filter(({ name }) => name === 'ImportStatement'),
  );
  const reading = { source, lineOf: lineFinder(source.text), imports, constants: constantsOf(source, statements) };
  const definitions = statements.map(definitionOf).filter((found) => found !== undefined);
  return {
    classes: definitions.filter(({ node }) => node.name === 'ClassDefinition').map((found) => classOf(reading, found)),
    functions: definitions
      .filter(({ node }) => node.name === 'FunctionDefinition')
      .flatMap((found) => functionOf(reading, found)),
    imports,
    isDoubtful: source.hasError,
  };
}

/** Statements that have others in them, which also run when the file is imported. */
const compound = new Set(['IfStatement', 'TryStatement', 'WithStatement']);

/** Statements that run when the file is imported, including those of `if`, `try` and `with`. */
function topLevel(source: Source, node: SyntaxNode): readonly SyntaxNode[] {
  return statementsIn(node).flatMap((statement) => {
    if (!compound.has(statement.name)) return [statement];
    return bodiesOf(source, statement).flatMap((body) => topLevel(source, body));
  });
}

/** Those in one line with `;` between them are a group. */
function statementsIn(node: SyntaxNode): readonly SyntaxNode[] {
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

/** A name that also gets another value than a literal, or several ones, is none. */
function constantsOf(source: Source, statements: readonly SyntaxNode[]): Constants {
  const constants = new Map<string, Literal>();
  const changed = new Set<string>();
  for (const statement of statements) {
    if (statement.name === 'UpdateStatement') changed.add(textOf(source, statement.firstChild ?? statement));
    const assigned = assignment(statement);
    if (!assigned) continue;
    const name = textOf(source, assigned.target);
    const value = literalOf(source, assigned.value, constants);
    if (value === undefined || constants.has(name)) changed.add(name);
    else constants.set(name, value);
  }
  for (const name of changed) constants.delete(name);
  return constants;
}

interface Definition {
  readonly node: SyntaxNode;
  readonly top: SyntaxNode;
  readonly decorators: readonly SyntaxNode[];
}

function definitionOf(statement: SyntaxNode): Definition | undefined {
  const decorated = statement.name === 'DecoratedStatement';
  const node = decorated ? statement.lastChild : statement;
  if (node?.name !== 'ClassDefinition' && node?.name !== 'FunctionDefinition') return undefined;
  if (!node.getChild('VariableName')) return undefined; // its name isn't typed yet
  return { node, top: statement, decorators: decorated ? statement.getChildren('Decorator') : [] };
}

function classOf(reading: Reading, { node, top }: Definition): ClassCode {
  const { source } = reading;
  const args = argumentsOf(source, node.getChild('ArgList'));
  const body = node.getChild('Body');
  const statements = body ? statementsIn(body) : [];
  const keywords = args.keywords.map((one) => settingOf(reading, one.name, one.value, true));
  const attributes = statements.flatMap((statement) => {
    const assigned = assignment(statement);
    return assigned ? [settingOf(reading, assigned.target, assigned.value, false)] : [];
  });
  return {
    ...placeOf(reading, node, top),
    bases: args.positional.map((base) => dotted(textOf(source, base))),
    settings: [...keywords, ...attributes],
    endpoints: statements.flatMap((statement) => endpointOf(reading, statement)),
  };
}

function functionOf(reading: Reading, { node, top, decorators }: Definition): readonly FunctionCode[] {
  const { source } = reading;
  // `isolated` is the older name.
  const decorator = decorators.find((one) => /^(function|isolated)$/.test(falName(reading, one) ?? ''));
  if (!decorator) return [];
  const { keywords } = argumentsOf(source, decorator.getChild('ArgList'));
  const settings = keywords.map((one) => settingOf(reading, one.name, one.value, true));
  return [{ ...placeOf(reading, node, top), settings }];
}

function endpointOf(reading: Reading, statement: SyntaxNode): readonly Endpoint[] {
  const { source } = reading;
  const found = definitionOf(statement);
  if (found?.node.name !== 'FunctionDefinition') return [];
  const decorator = found.decorators.find((one) => /^(endpoint|realtime)$/.test(falName(reading, one) ?? ''));
  if (!decorator) return [];
  const { positional, keywords } = argumentsOf(source, decorator.getChild('ArgList'));
  const keyword = (name: string) => keywords.find((one) => textOf(source, one.name) === name)?.value;
  const path = positional[0] ?? keyword('path');
  const value = path && literalOf(source, path, reading.constants);
  const websocket = keyword('is_websocket');
  const isWebsocket = websocket !== undefined && textOf(source, websocket) === 'True';
  const answers = textOf(source, found.node);
  const { name: method, line, topLine } = placeOf(reading, found.node, found.top);
  return [
    {
      method,
      path: typeof value === 'string' ? value : undefined,
      kind: falName(reading, decorator) === 'realtime' ? 'realtime' : isWebsocket ? 'websocket' : 'http',
      isAsync: found.node.firstChild?.name === 'async',
      isStreaming: /\b(StreamingResponse|EventSourceResponse|(Async)?(Iterator|Iterable|Generator))\b/.test(answers),
      topLine,
      line,
    },
  ];
}

/** The name in the package `fal` that a decorator refers to: `endpoint` for `@f.endpoint("/")`. */
function falName({ source, imports }: Reading, decorator: SyntaxNode): string | undefined {
  const name = dotted(textOf(source, decorator).replace(/^@\s*/, ''));
  const [, module, last] = /^(?:(.*)\.)?([^.]+)$/.exec(name) ?? [];
  if (last === undefined) return undefined;
  if (module !== undefined) return isFal(imports.modules.get(module) ?? '') ? last : undefined;
  const from = imports.names.get(last);
  if (from) return isFal(from.module) ? from.name : undefined;
  return imports.stars.some(isFal) ? last : undefined;
}

function placeOf({ source, lineOf }: Reading, node: SyntaxNode, top: SyntaxNode) {
  const name = node.getChild('VariableName') ?? node;
  return {
    name: textOf(source, name),
    topLine: lineOf(top.from),
    line: lineOf(name.from),
    endLine: lineOf(Math.max(node.from, node.to - 1)),
  };
}

function settingOf(
  { source, lineOf, constants }: Reading,
  name: SyntaxNode,
  value: SyntaxNode,
  isKeyword: boolean,
): Setting {
  return {
    name: textOf(source, name),
    value: literalOf(source, value, constants),
    text: textOf(source, value),
    line: lineOf(name.from),
    endLine: lineOf(value.to),
    isKeyword,
  };
}

/** `NAME = VALUE`, with or without an annotation; `undefined`: anything else. */
function assignment(node: SyntaxNode): { readonly target: SyntaxNode; readonly value: SyntaxNode } | undefined {
  if (node.name !== 'AssignStatement' || node.getChildren('AssignOp').length !== 1) return undefined;
  const [target, ...rest] = children(node);
  const value = rest.at(-1);
  const isSimple = rest.length === 2 || (rest.length === 3 && rest[0]?.name === 'TypeDef');
  return target?.name === 'VariableName' && value && isSimple ? { target, value } : undefined;
}

interface Arguments {
  readonly positional: readonly SyntaxNode[];
  readonly keywords: readonly { readonly name: SyntaxNode; readonly value: SyntaxNode }[];
}

function argumentsOf(source: Source, list: SyntaxNode | null): Arguments {
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
function dotted(text: string): string {
  return (/^[\w.\s]+/.exec(text)?.[0] ?? '').replace(/\s/g, '');
}
