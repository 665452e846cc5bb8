import { isDeepStrictEqual } from 'node:util';
import { parse } from 'smol-toml';
import { UserError } from '../../wire/errors.ts';

/**
 * Adds apps to the text of a `pyproject.toml`, after its own, or at the end. Every line stays as it is, and
 * everything else keeps its value.
 * @param lines their tables, `[tool.fal.apps.NAME]`
 * @throws UserError if it can't be read, has an app of this name, or its apps are in a place that no table can extend
 */
export function withApps(text: string, lines: readonly string[]): string {
  const before = tables(text);
  const added = Object.entries(appsOf(tables(lines.join('\n'))) ?? {});
  for (const [name] of added) refuseTaken(name, appsOf(before) ?? {});
  const wanted = added.reduce((whole, [name, app]) => withValue(whole, ['tool', 'fal', 'apps', name], app), before);
  for (const candidate of [afterLastApp(text, lines), atEnd(text, lines)]) {
    if (candidate !== undefined && isSame(parsed(candidate), wanted)) return candidate;
  }
  throw new UserError(
    'PYPROJECT_UNSUITABLE',
    'A table of an app can not be added to pyproject.toml, because of how its apps are written.',
    `Write them as [tool.fal.apps.NAME], or create the app in a folder of its own: minifal new TEMPLATE FOLDER.`,
  );
}

function refuseTaken(name: string, apps: Table): void {
  const taken = Object.entries(apps).find(([key, app]) => key === name || (isTable(app) && app.name === name));
  if (!taken) return;
  throw new UserError(
    'APP_EXISTS',
    `pyproject.toml has an app ${name} already${taken[0] === name ? '' : ` ([tool.fal.apps.${taken[0]}])`}.`,
    'Choose another name: --set app-name=NAME.',
  );
}

type Table = { readonly [key: string]: unknown };

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function tables(text: string): Table {
  try {
    return parse(text, { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    const [why = ''] = String(error instanceof Error ? error.message : error).split('\n');
    throw new UserError('PYPROJECT_UNSUITABLE', `pyproject.toml can't be read: ${why}.`, 'Correct it first.');
  }
}

function parsed(text: string): Table | undefined {
  try {
    return tables(text);
  } catch {
    return undefined;
  }
}

function appsOf(project: Table): Table | undefined {
  const { tool } = project;
  const fal = isTable(tool) ? tool.fal : undefined;
  const apps = isTable(fal) ? fal.apps : undefined;
  return isTable(apps) ? apps : undefined;
}

function withValue(table: Table, [key = '', ...rest]: readonly string[], value: unknown): Table {
  const inner = Object.hasOwn(table, key) && isTable(table[key]) ? table[key] : {};
  return { ...table, [key]: rest.length === 0 ? value : withValue(inner, rest, value) };
}

/** Whatever the order of keys. */
function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((value, at) => isSame(value, other[at]));
  if (!isTable(one) || !isTable(other)) return isDeepStrictEqual(one, other);
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  );
}

/** If what looks like headers of tables are such, which the caller finds out by reading the result. */
function afterLastApp(text: string, lines: readonly string[]): string | undefined {
  const all = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const isHeader = (line: string) => /^[ \t]*\[/.test(line);
  const last = all.findLastIndex((line) => /^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*fal[ \t]*\.[ \t]*apps\b/.test(line));
  const next = last < 0 ? -1 : all.findIndex((line, at) => at > last && isHeader(line));
  if (next < 0) return undefined;
  // Comments and empty lines before a header belong to it.
  const end = all.findLastIndex((line, at) => at < next && !/^\s*(#|$)/.test(line)) + 1;
  const [head, tail] = [all.slice(0, end).join(''), all.slice(end).join('')];
  const own = ['', ...lines].map((line) => `${line}${lineEnd(text)}`).join('');
  return head + own + tail;
}

/** Without a line break there if there was none before. */
function atEnd(text: string, lines: readonly string[]): string {
  const end = lineEnd(text);
  const hadEnd = text === '' || text.endsWith('\n');
  const gap = text === '' ? '' : hadEnd ? end : end + end;
  return text + gap + lines.join(end) + (hadEnd ? end : '');
}

function lineEnd(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}
