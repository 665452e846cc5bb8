import type { SyntaxNode } from '@lezer/common';
import { isFal } from './fal-names.ts';
import { type Imports, importsOf } from './imports.ts';
import { type Constants, type Literal, literalOf } from './literal.ts';
import {
  argumentsOf,
  assignment,
  type Definition,
  definitionOf,
  dotted,
  statementsIn,
  topLevel,
} from './statements.ts';
import { lineFinder, readTree, readTreeInSteps, type Source, textOf } from './tree.ts';

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

/** What else is needed to understand a part of a source. */
export interface Reading {
  readonly source: Source;
  readonly lineOf: (offset: number) => number;
  readonly imports: Imports;
  readonly constants: Constants;
}

/** The reading of a whole source, and its statements that run when it is imported. */
export function readingOf(source: Source): Reading & { readonly statements: readonly SyntaxNode[] } {
  const statements = topLevel(source, source.top);
  const imports = importsOf(
    source,
    statements.filter(({ name }) => name === 'ImportStatement'),
  );
  const constants = constantsOf(source, statements);
  return { source, lineOf: lineFinder(source.text), imports, constants, statements };
}

/** @param reading that of this source */
export function fileOf(source: Source, reading = readingOf(source)): PythonFile {
  const { statements } = reading;
  const definitions = statements.map(definitionOf).filter((found) => found !== undefined);
  return {
    classes: definitions.filter(({ node }) => node.name === 'ClassDefinition').map((found) => classOf(reading, found)),
    functions: definitions
      .filter(({ node }) => node.name === 'FunctionDefinition')
      .flatMap((found) => functionOf(reading, found)),
    imports: reading.imports,
    isDoubtful: source.hasError,
  };
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
export function falName({ source, imports }: Reading, decorator: SyntaxNode): string | undefined {
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
