import { isFal } from './mentions.ts';
import { moduleFile } from './module-files.ts';
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
}

/** Guards against classes that derive from each other, and modules that import each other. */
const maxDepth = 20;

/**
 * The apps of all files, by file: classes that derive from `fal.App`, directly or through a class of any of the files,
 * and functions of `@fal.function`. In source order. Pure.
 */
export function appsOf(files: ReadonlyMap<string, PythonFile>): ReadonlyMap<string, readonly FoundApp[]> {
  const names = new Set(files.keys());
  const parents = new Set<ClassCode>();
  const apps = new Map<string, AppClass[]>();
  for (const [file, { classes }] of files) {
    for (const code of classes) {
      const lineage = lineageOf(files, names, file, code, 0);
      if (!lineage) continue;
      for (const parent of lineage.slice(1)) parents.add(parent);
      apps.set(file, [...(apps.get(file) ?? []), { code, lineage }]);
    }
  }
  const found = new Map<string, readonly FoundApp[]>();
  for (const [file, { functions }] of files) {
    const own = [
      ...(apps.get(file) ?? []).map((app) => foundClass(app, parents.has(app.code))),
      ...functions.map(foundFunction),
    ];
    if (own.length > 0)
      found.set(
        file,
        own.toSorted((a, b) => a.line - b.line),
      );
  }
  return found;
}

interface AppClass {
  readonly code: ClassCode;
  /** The class, then its bases up to the one that derives from `fal.App`. */
  readonly lineage: readonly ClassCode[];
}

function lineageOf(
  files: ReadonlyMap<string, PythonFile>,
  names: ReadonlySet<string>,
  file: string,
  code: ClassCode,
  depth: number,
): readonly ClassCode[] | undefined {
  if (depth > maxDepth) return undefined;
  for (const base of code.bases) {
    const named = resolve(files, names, file, base, code, depth);
    if (named === 'fal.App') return [code];
    const above = named && lineageOf(files, names, named.file, named.code, depth + 1);
    if (above) return [code, ...above];
  }
  return undefined;
}

type Named = 'fal.App' | { readonly file: string; readonly code: ClassCode } | undefined;

/** The class that a name in a file stands for. `of`: a class doesn't derive from itself or from a later one. */
function resolve(
  files: ReadonlyMap<string, PythonFile>,
  names: ReadonlySet<string>,
  file: string,
  name: string,
  of: ClassCode | undefined,
  depth: number,
): Named {
  const here = files.get(file);
  if (!here || depth > maxDepth) return undefined;
  const inModule = (module: string, wanted: string): Named => {
    if (isFal(module)) return wanted === 'App' ? 'fal.App' : undefined;
    const other = moduleFile(module, file, names);
    return other === undefined || other === file
      ? undefined
      : resolve(files, names, other, wanted, undefined, depth + 1);
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

function foundClass({ code, lineage }: AppClass, isParent: boolean): FoundApp {
  const { name, topLine, line, endLine, endpoints, settings } = code;
  const own = new Set(endpoints.map(({ method }) => method));
  const above = lineage.slice(1).flatMap((parent) => parent.endpoints);
  return {
    name,
    kind: 'app',
    appName: appNameOf(lineage),
    topLine,
    line,
    endLine,
    endpoints,
    settings,
    inherited: { endpoints: above.filter(({ method }) => !own.has(method)) },
    isBase: isParent && endpoints.length === 0,
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
  const none = { endpoints: [], inherited: { endpoints: [] }, isBase: false };
  return { name, kind: 'function', appName: name, topLine, line, endLine, settings, ...none };
}
