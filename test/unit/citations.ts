import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** A reference from a comment or a page to a file, a folder, or a heading of a page in this repository. */
export interface Citation {
  readonly from: string;
  /** `docs/platform/runners.md#states`, `edge/guard.ts`, `#glossary`. */
  readonly to: string;
}

const folders = ['.ci', 'bin', 'docs', 'emulator', 'extension', 'scripts', 'templates', 'test', 'webview'] as const;
/** Files of other projects, and the results of fal's suites, which name fal's files. */
const skipped = /(^|\/)(\.cache|node_modules|__pycache__|RESULTS\.md)$/;

/** The folders that a path may be relative to, besides the citing file's folder and its parents. */
const bases = ['', 'emulator', 'extension', 'test', 'webview'] as const;

/** Files of other packages that comments cite as sources, build outputs, and example names. */
const foreign = /^(fal|isolate|backends|server|tests)\/[\w/]*\.py$|^dist\//;
const foreignNames = new Set(['app.py', 'test.py', 'test_apps.py', 'WMA.md', 'testing.ts']);

/** `*SDK: app.py*`: the source of a fact on a page about the platform. */
const sourceMarks = /\*(SDK|isolate|isolate_proto|proto|JS client|upstream|docs)\b[^*]*\*/gi;

/** All files of the repository that may contain citations, as paths from the root. */
export function citingFiles(root: string): readonly string[] {
  const below = folders.flatMap((folder) => (existsSync(join(root, folder)) ? textsBelow(root, folder) : []));
  return [...readdirSync(root).filter((name) => name.endsWith('.md')), ...below];
}

function textsBelow(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = posix.join(folder, entry.name);
    if (skipped.test(name)) return [];
    if (entry.isDirectory()) return textsBelow(root, name);
    return /\.(md|ts|mjs|py)$/.test(name) ? [name] : [];
  });
}

/** The citations in a file: in the whole text of a page, in the comments of code. */
export function citationsIn(from: string, source: string): readonly Citation[] {
  const isPage = from.endsWith('.md');
  const text = isPage ? source.replace(/^```[\s\S]*?^```/gm, '') : commentsOf(from, source);
  const plain = text
    .replace(/\bhttps?:\/\/[^\s)>\]'"`]+/g, ' ')
    .replace(sourceMarks, ' ')
    .replace(/\bfrom '[^']*'/g, ' ');
  const cited = [
    ...(isPage ? linksIn(plain) : []),
    ...headingsIn(plain),
    ...pathsIn(isPage ? plain.replace(/\]\([^)]*\)/g, ']') : plain),
  ];
  return [...new Set(cited)].map((to) => ({ from, to }));
}

/** The citations that don't resolve, as `FILE cites TARGET`. @param files all citing files */
export function unresolved(root: string, files: readonly string[], citations: readonly Citation[]): readonly string[] {
  const names = new Set(files.map((name) => posix.basename(name)));
  return citations.filter((citation) => !isThere(root, citation, names)).map(({ from, to }) => `${from} cites ${to}`);
}

/** The anchors that GitHub generates for a page's headings. */
export function anchorsOf(page: string): readonly string[] {
  const seen = new Map<string, number>();
  return [...page.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}

/** Joins comments to running text, so that a citation may span two lines. */
function commentsOf(name: string, source: string): string {
  const found = name.endsWith('.py')
    ? source.matchAll(/"""[\s\S]*?"""|(?:^|\s)#\s.*$/gm)
    : source.matchAll(/\/\*[\s\S]*?\*\/|(?:^|\s)\/\/ .*$/gm);
  return [...found].map(([comment]) => comment.replace(/^\s*(?:\*(?!\/)|\/\/|#) ?/gm, ' ')).join('\n');
}

/** `[words](page.md#heading)`, also `(#heading)` of the same page. */
function linksIn(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((to) => !/^[a-z]+:/.test(to));
}

/** `docs/page.md#one, #two and #three`: each heading with its page. */
function headingsIn(text: string): readonly string[] {
  return [...text.matchAll(/([\w./-]+\.md)(#[\w-]+(?:(?:,| and| to)\s+#[\w-]+)*)/g)].flatMap(
    ([, page = '', headings]) => [...(headings ?? '').matchAll(/#[\w-]+/g)].map(([heading]) => page + heading),
  );
}

/** Files by path or name, and folders by a path from the root that ends with a slash. */
function pathsIn(text: string): readonly string[] {
  const start = '(?<![\\w/.@~$*<>{}-])';
  const file = new RegExp(
    `${start}(?:\\.{1,2}/)*(?:\\w[\\w-]*/)*(?:[\\w.-]+\\.(?:ts|py|mjs|md)|package\\.json)\\b(?![\\w/*-])`,
    'g',
  );
  const folder = new RegExp(`${start}(?:docs|emulator|extension|scripts|templates|test)/(?:[\\w-]+/)+(?![\\w-])`, 'g');
  const files = [...text.matchAll(file)]
    .map(([path]) => path)
    .filter((path) => !foreign.test(path) && !foreignNames.has(path) && !/^[A-Z-].*\.(ts|py)$/.test(path));
  return [...files, ...[...text.matchAll(folder)].map(([path]) => path)];
}

function isThere(root: string, { from, to }: Citation, names: ReadonlySet<string>): boolean {
  const [path = '', heading] = to.split('#');
  const file = path === '' ? from : find(root, from, path);
  if (file === undefined) return !path.includes('/') && heading === undefined && names.has(path);
  return heading === undefined || anchorsOf(readFileSync(join(root, file), 'utf8')).includes(heading);
}

function find(root: string, from: string, path: string): string | undefined {
  const above = ancestors(dirname(from));
  return [...above, ...bases]
    .map((base) => posix.join(base, path))
    .find((name) => !name.startsWith('..') && existsSync(join(root, name)) && isKind(join(root, name), path));
}

function isKind(file: string, path: string): boolean {
  return !path.endsWith('/') || statSync(file).isDirectory();
}

function ancestors(folder: string): readonly string[] {
  return folder === '.' ? ['.'] : [folder, ...ancestors(dirname(folder))];
}
