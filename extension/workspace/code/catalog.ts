import type { PythonFile } from '../../target/app-code.ts';
import { appsOf, appsOfFile, breather, type Files, type FoundApp, filesOf } from '../../target/app-code.ts';
import { derivingWords, handsOn, importsFal } from './mentions.ts';
import { lastGood } from './moved.ts';

/** Reads the text of a file; `undefined`: there is none, or it is too long. */
export type ReadText = (path: string) => Promise<string | undefined>;

interface Entry {
  /** Absent: nothing in its text asks for parsing. */
  readonly file: PythonFile | undefined;
  readonly words: ReadonlySet<string>;
}

/**
 * What is known about the Python files of a workspace. A file is parsed only if it imports fal, hands on names of a
 * package, or has a class whose base has the name of an app's class; of any other file, a few words are kept.
 */
export function createCatalog(deps: {
  readonly read: ReadText;
  readonly parse: (path: string, text: string) => Promise<PythonFile>;
  /** Lets other work run; called between files. */
  readonly pause: () => Promise<void>;
}) {
  const entries = new Map<string, Entry>();
  let known: Files = filesOf(new Map());
  let apps: ReadonlyMap<string, readonly FoundApp[]> = new Map();

  async function look(path: string): Promise<void> {
    const text = await deps.read(path);
    if (text === undefined) entries.delete(path);
    else if (importsFal(text) || handsOn(path, text)) entries.set(path, await parsed(path, text));
    else entries.set(path, { file: undefined, words: derivingWords(text) });
  }

  async function parsed(path: string, text: string): Promise<Entry> {
    const file = lastGood(entries.get(path)?.file, await deps.parse(path, text));
    return { file, words: derivingWords(text) };
  }

  /** Parses files that may derive a class from one of the apps found so far, until there is none left. */
  async function followBases(): Promise<void> {
    for (;;) {
      resolve();
      const names = new Set([...apps.values()].flat().map(({ name }) => name));
      const more = [...entries].filter(([, { file, words }]) => !file && [...words].some((word) => names.has(word)));
      if (more.length === 0) return;
      for (const [path] of more) {
        const text = await deps.read(path);
        if (text === undefined) entries.delete(path);
        else entries.set(path, await parsed(path, text));
      }
    }
  }

  function resolve(): void {
    const files = new Map<string, PythonFile>();
    for (const [path, { file }] of entries) if (file) files.set(path, file);
    known = filesOf(files);
    apps = appsOf(known);
  }

  return {
    /** Looks at these files again; one that is gone is forgotten. One call at a time. */
    async update(paths: readonly string[]): Promise<void> {
      const breathe = breather(deps.pause);
      for (const path of paths) {
        await look(path);
        await breathe();
      }
      await followBases();
    },
    forget(paths: Iterable<string>): void {
      for (const path of paths) entries.delete(path);
      resolve();
    },
    paths: (): readonly string[] => [...entries.keys()],
    /** By file. */
    apps: () => apps,
    /** Files that import fal and that the grammar can't read without errors: only Python can say what is wrong. */
    doubtful: (): readonly string[] =>
      [...entries].filter(([, { file }]) => file?.isDoubtful === true).map(([path]) => path),
    /** The apps of one file if this is its reading. The catalog stays as it is. */
    appsWith(path: string, file: PythonFile): readonly FoundApp[] {
      const before = apps.get(path) ?? [];
      const all: Files = { ...known, files: new Map(known.files).set(path, file) };
      return appsOfFile(all, path, (name) => before.some((app) => app.name === name && app.isParent));
    },
  };
}
