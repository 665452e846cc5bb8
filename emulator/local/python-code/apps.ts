import { isFal } from './fal-names.ts';
import { type ModuleFinder, moduleFinder } from './module-files.ts';
import type { ClassCode, Endpoint, FunctionCode, PythonFile, Setting } from './python-file.ts';

/** An app or a function that `fal run FILE::NAME` accepts, as its code describes it. */
export interface FoundApp {
  readonly name: string;
  readonly kind: 'app' | 'function';
  /** The name under which `fal deploy FILE::NAME` deploys it. */
  readonly appName: string;
  /** 0-based; of its first decorator. */
  readonly topLine: number;
  /** 0-based; of its name. */
  readonly line: number;
  readonly endLine: number;
  /** Its own; those of its base classes are in `inherited`. */
  readonly endpoints: readonly Endpoint[];
  readonly settings: readonly Setting[];
  readonly inherited: { readonly endpoints: readonly Endpoint[] };
  /** Only a base of other apps: it has no endpoint of its own, and others derive from it. */
  readonly isBase: boolean;
  /** Another app derives from it. */
  readonly isParent: boolean;
}

/** Guards against classes that derive from each other, and modules that import each other. */
const maxDepth = 20;
/** Classes that derive from each other in several ways would be visited very often. */
const maxBases = 200;

/** All readings, by path. */
export interface Files {
  readonly files: ReadonlyMap<string, PythonFile>;
  readonly moduleFile: ModuleFinder;
}

export function filesOf(files: ReadonlyMap<string, PythonFile>): Files {
  return { files, moduleFile: moduleFinder(files.keys()) };
}

/**
 * The apps of all files, by file: classes that derive from `fal.App`, directly or through a class of any of the files,
 * and functions of `@fal.function`. In source order. Pure.
 */
export function appsOf(all: Files): ReadonlyMap<string, readonly FoundApp[]> {
  const classes = new Map([...all.files].map(([file, { classes }]) => [file, appClasses(all, file, classes)] as const));
  const parents = new Set([...classes.values()].flat().flatMap(({ lineage }) => lineage.slice(1)));
  const found = new Map<string, readonly FoundApp[]>();
  for (const [file, { functions }] of all.files) {
    const own = (classes.get(file) ?? []).map((app) => foundClass(app, parents.has(app.code)));
    if (own.length + functions.length > 0) found.set(file, inOrder(own, functions));
  }
  return found;
}

/** The apps of one file; `isParent` says of which of its classes others derive. Pure. */
export function appsOfFile(all: Files, file: string, isParent: (name: string) => boolean): readonly FoundApp[] {
  const { classes = [], functions = [] } = all.files.get(file) ?? {};
  const own = appClasses(all, file, classes);
  const parents = new Set(own.flatMap(({ lineage }) => lineage.slice(1)));
  const isBase = ({ code }: AppClass) => parents.has(code) || isParent(code.name);
  return inOrder(
    own.map((app) => foundClass(app, isBase(app))),
    functions,
  );
}

function appClasses(all: Files, file: string, classes: readonly ClassCode[]): readonly AppClass[] {
  return classes.flatMap((code) => {
    const lineage = lineageOf(all, file, code, 0);
    return lineage ? [{ code, lineage, bases: basesOf(all, file, code) }] : [];
  });
}

function inOrder(apps: readonly FoundApp[], functions: readonly FunctionCode[]): readonly FoundApp[] {
  return [...apps, ...functions.map(foundFunction)].sort((a, b) => a.line - b.line);
}

interface AppClass {
  readonly code: ClassCode;
  /** The class, then its bases up to the one that derives from `fal.App`. */
  readonly lineage: readonly ClassCode[];
  /** All its bases in the order in which Python looks for attributes, also those that aren't apps. */
  readonly bases: readonly ClassCode[];
}

/** `none`: classes that were found not to be apps, because many ways may lead to one. */
function lineageOf(
  all: Files,
  file: string,
  code: ClassCode,
  depth: number,
  none = new Set<ClassCode>(),
): readonly ClassCode[] | undefined {
  if (depth > maxDepth || none.has(code)) return undefined;
  for (const base of code.bases) {
    const named = resolve(all, file, base, code, depth);
    if (named === 'fal.App') return [code];
    const above = named && lineageOf(all, named.file, named.code, depth + 1, none);
    if (above) return [code, ...above];
  }
  none.add(code);
  return undefined;
}

/** Python's order for bases that are written once: depth first, and a class after all that derive from it. */
function basesOf(all: Files, file: string, code: ClassCode): readonly ClassCode[] {
  const found: ClassCode[] = [];
  visit(file, code, 0);
  return found.filter((one, index) => one !== code && found.lastIndexOf(one) === index);

  function visit(at: string, one: ClassCode, depth: number): void {
    if (depth > maxDepth || found.length > maxBases) return;
    found.push(one);
    for (const base of one.bases) {
      const named = resolve(all, at, base, one, depth);
      if (named !== undefined && named !== 'fal.App') visit(named.file, named.code, depth + 1);
    }
  }
}

type Named = 'fal.App' | { readonly file: string; readonly code: ClassCode } | undefined;

/**
 * The class that a name in a file refers to. `of`: a class doesn't derive from itself or from a later one. `asked`: the
 * names of other files that were looked up for it, because modules that import all of each other lead to them often.
 */
function resolve(
  all: Files,
  file: string,
  name: string,
  of: ClassCode | undefined,
  depth: number,
  asked = new Set<string>(),
): Named {
  const here = all.files.get(file);
  if (!here || depth > maxDepth) return undefined;
  const inModule = (module: string, wanted: string): Named => {
    if (isFal(module)) return wanted === 'App' ? 'fal.App' : undefined;
    const other = all.moduleFile(module, file);
    const key = `${other} ${wanted}`;
    if (other === undefined || other === file || asked.has(key)) return undefined;
    asked.add(key);
    return resolve(all, other, wanted, undefined, depth + 1, asked);
  };
  const [, module, last = name] = /^(.*)\.([^.]+)$/.exec(name) ?? [];
  if (module !== undefined) {
    const known = here.imports.modules.get(module);
    return known === undefined ? undefined : inModule(known, last);
  }
  const local = here.classes.findLast((one) => one.name === name && (of === undefined || one.line < of.line));
  if (local) return { file, code: local };
  const imported = here.imports.names.get(name);
  if (imported) return inModule(imported.module, imported.name);
  for (const star of here.imports.stars) {
    const found = inModule(star, name);
    if (found) return found;
  }
  return undefined;
}

function foundClass({ code, lineage, bases }: AppClass, isParent: boolean): FoundApp {
  const { name, topLine, line, endLine, endpoints, settings } = code;
  // Of several methods of one name, Python finds the first.
  const inherited = new Map<string, Endpoint>();
  for (const one of bases.flatMap((base) => base.endpoints)) {
    if (!inherited.has(one.method) && endpoints.every(({ method }) => method !== one.method)) {
      inherited.set(one.method, one);
    }
  }
  return {
    name,
    kind: 'app',
    appName: appNameOf(lineage),
    topLine,
    line,
    endLine,
    endpoints,
    settings,
    inherited: { endpoints: [...inherited.values()] },
    isBase: isParent && endpoints.length === 0,
    isParent,
  };
}

/**
 * fal/app.py, `App.__init_subclass__`: `app_name` of the class or of a base, and every class gets one when it is
 * defined, so a class without one of its own has its base's name. Measured with the SDK.
 */
function appNameOf(lineage: readonly ClassCode[]): string {
  const first = lineage.at(-1);
  const own = lineage.map((code) => stringSetting(code, 'app_name', false)).find((name) => name !== undefined);
  return own ?? (first ? (stringSetting(first, 'name', true) ?? kebab(first.name)) : '');
}

function stringSetting({ settings }: ClassCode, name: string, isKeyword: boolean): string | undefined {
  const value = settings.findLast((one) => one.name === name && one.isKeyword === isKeyword)?.value;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** fal/app.py, `_to_fal_app_name`. */
function kebab(name: string): string {
  const parts = name.match(/[A-Z][a-z]*/g) ?? [];
  if (parts.length > 0) return parts.map((part) => part.toLowerCase()).join('-');
  return name.split('_').filter(Boolean).join('-').toLowerCase();
}

function foundFunction({ name, topLine, line, endLine, settings }: FunctionCode): FoundApp {
  const none = { endpoints: [], inherited: { endpoints: [] }, isBase: false, isParent: false };
  return { name, kind: 'function', appName: name, topLine, line, endLine, settings, ...none };
}
