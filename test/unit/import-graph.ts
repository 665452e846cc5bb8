import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { groupBy } from '../support/group-by.ts';

export interface Import {
  /** Path from the project's root, `/` between folders. */
  readonly from: string;
  /** The same form for our own files; otherwise the package or `node:` module. */
  readonly to: string;
  /** `import type` and `export type`, which are erased at run time. */
  readonly isType: boolean;
}

/** Helpers of tests, and programs that tests start: in the `testing/` folder of their room. */
export const testSupport = /(^|\/)testing\//;

/** All imports of the .ts files below these folders, without tests, their helpers and generated files. */
export function readImports(root: string, folders: readonly string[]): readonly Import[] {
  return folders
    .flatMap((folder) => sources(join(root, folder)))
    .map((file) => ({ name: relative(root, file).split(sep).join('/'), file }))
    .filter(({ name }) => !testSupport.test(name))
    .flatMap(({ name, file }) => importsOf(name, readFileSync(file, 'utf8')));
}

export function importsOf(from: string, source: string): readonly Import[] {
  const code = source.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '');
  const found = [
    ...code.matchAll(/\b(?:import|export)\s+(type\s)?[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]/g),
    ...code.matchAll(/\bimport\s*()\(?\s*['"]([^'"]+)['"]/g),
  ];
  return found.map(([, type, target = '']) => ({
    from,
    to: target.startsWith('.') ? posix.join(dirname(from), target) : target,
    isType: Boolean(type),
  }));
}

export interface Rule {
  /** The sentence in the test's title. */
  readonly title: string;
  readonly from: RegExp;
  readonly forbids: (to: string) => boolean;
}

/** `FROM imports TO` for each import that breaks the rule. */
export function crossings(imports: readonly Import[], rule: Rule): readonly string[] {
  return imports
    .filter(({ from, to }) => rule.from.test(from) && rule.forbids(to))
    .map(({ from, to }) => `${from} imports ${to}`);
}

/** The ranked rooms of each of our folders, from the top: the list of ARCHITECTURE.md, under "The rooms". */
export function readFloors(page: string): ReadonlyMap<string, readonly string[]> {
  const floors = new Map<string, string[]>();
  let rooms: string[] | undefined;
  const list = /## The rooms\n+((?: {4}.*\n)+)/.exec(page)?.[1] ?? '';
  for (const line of list.split('\n')) {
    const [, top] = /^ {4}([a-z]+)\/ /.exec(line) ?? [];
    const [, names] = /^ {6}(\S+(?: \S+)*)/.exec(line) ?? [];
    if (top) rooms = top === 'emulator' || top === 'extension' ? [] : undefined;
    if (top && rooms) floors.set(top, rooms);
    if (names) rooms?.push(...names.split(' ').map((name) => name.replace(/\/$|\.ts$/, '')));
  }
  return floors;
}

/** `fleet` of `emulator/fleet/types.ts`, `main` of `emulator/main.ts`. */
export function roomOf(file: string): string {
  return file.split('/')[1]?.replace(/\.ts$/, '') ?? '';
}

/**
 * `FROM imports TO` for each import from a room to one above it, and for each import that involves a room without a
 * rank.
 */
export function climbs(imports: readonly Import[], floors: ReadonlyMap<string, readonly string[]>): readonly string[] {
  return imports
    .filter(({ from, to }) => {
      const rooms = floors.get(from.split('/')[0] ?? '');
      if (!rooms || from.split('/')[0] !== to.split('/')[0]) return false;
      const [own, other] = [rooms.indexOf(roomOf(from)), rooms.indexOf(roomOf(to))];
      return own < 0 || other < own;
    })
    .map(({ from, to }) => `${from} imports ${to}`);
}

/** Circles of files that import each other, types included, each as `a > b > a`. */
export function cycles(imports: readonly Import[]): readonly string[] {
  const targets = groupBy(imports, ({ from }) => from);
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(' > '));
    if (start >= 0 || done.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

function sources(folder: string): readonly string[] {
  let entries: import('node:fs').Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'generated' || entry.name === 'node_modules' ? [] : sources(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}
