import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { PythonFile } from '../target/app-code.ts';
import { createCatalog } from './code/catalog.ts';
import { type ListedApp, listApps } from './code/listed.ts';
import { readToml, type TomlApp } from './code/toml-apps.ts';
import { sourceText } from './source-text.ts';

/** An app in the workspace, as `fal run` and `fal deploy` name it. */
export interface WorkspaceApp extends ListedApp {
  readonly uri: vscode.Uri;
  readonly folder: vscode.WorkspaceFolder;
  /** Relative to the folder, with `/`. */
  readonly file: string;
}

/** A Python file or a `pyproject.toml` that can't be read. */
export interface BrokenFile {
  readonly uri: vscode.Uri;
  /** Relative to its folder, with `/`. */
  readonly file: string;
  /** 0-based. */
  readonly line: number;
  /** The first line of a sentence: `'(' was never closed`. */
  readonly why: string;
}

type Broken = ReadonlyMap<string, { readonly line: number; readonly why: string }>;

/** Python's own judgement of files on the disk: those that it can't parse. `undefined`: it couldn't be asked. */
export type SyntaxCheck = (paths: readonly string[]) => Promise<Broken | undefined>;

const limits = { pythonFiles: 10_000, projects: 200 };
/** Changes that follow each other within this time are handled together. */
const settleMs = 200;
/** After the last new folder; the files of a large one come later than it, and the editor watches it by then. */
const copiedMs = 1_000;
const skippedFolders = /^(\..+|venv|node_modules|__pycache__|site-packages|dist|build)$/;
const skippedGlob = '**/{.*,venv,node_modules,__pycache__,site-packages,dist,build}/**';
const projectFile = 'pyproject.toml';

/**
 * The apps of all folders of the window, found by reading text; for an open editor, its unsaved text counts. Nothing is
 * run, so this needs no workspace trust. The first question starts the search; from then on, changes are followed.
 */
export function createAppIndex(deps: {
  readonly checkSyntax: SyntaxCheck;
  readonly log: Pick<vscode.LogOutputChannel, 'info'>;
}) {
  const changed = new vscode.EventEmitter<void>();
  const disposables: vscode.Disposable[] = [changed];
  const reader = lazy(() => import('./code/reader.ts'));
  const catalog = createCatalog({
    read: readText,
    pause: nextTurn,
    parse: async (path, text) => judged(path, text, await (await reader()).readPythonFileInSteps(text, nextTurn)),
  });
  const projects = new Map<string, readonly TomlApp[]>();
  const brokenProjects = new Map<string, { readonly line: number; readonly why: string }>();
  let brokenPython: Broken = new Map();
  /** Texts that the grammar doubts and Python accepts, by path. */
  const accepted = new Map<string, string>();
  let dirty = new Set<string>();
  let settling: NodeJS.Timeout | undefined;
  const newFolders = new Set<string>();
  let looking: NodeJS.Timeout | undefined;
  let work: Promise<void> | undefined;
  let before = '';

  /** Looks at everything once. */
  function ready(): Promise<void> {
    if (work) return work;
    follow();
    return enqueue(search);
  }

  /** One after the other; a failure (the editor cancels searches) doesn't end what comes later. */
  function enqueue(task: () => Promise<void>): Promise<void> {
    work = (work ?? Promise.resolve())
      .then(task)
      .then(publish)
      .catch((error: unknown) => deps.log.info(`[apps] ${error instanceof Error ? error.message : String(error)}`));
    return work;
  }

  async function search(): Promise<void> {
    const [python, toml] = await Promise.all([
      vscode.workspace.findFiles('**/*.py', skippedGlob, limits.pythonFiles),
      vscode.workspace.findFiles(`**/${projectFile}`, skippedGlob, limits.projects),
    ]);
    if (python.length >= limits.pythonFiles) {
      deps.log.info(`[apps] Only the first ${limits.pythonFiles} Python files were searched for apps.`);
    }
    await update([...python, ...toml].filter(isOnDisk).map(({ fsPath }) => fsPath));
  }

  async function update(paths: readonly string[]): Promise<void> {
    const toml = paths.filter((path) => path.endsWith(projectFile));
    for (const path of toml) await lookAtProject(path);
    await catalog.update(paths.filter((path) => path.endsWith('.py')));
  }

  async function lookAtProject(path: string): Promise<void> {
    projects.delete(path);
    brokenProjects.delete(path);
    const text = await readText(path);
    if (text === undefined) return;
    const { apps, error } = readToml(text, (await reader()).parseToml);
    if (apps.length > 0) projects.set(path, apps);
    if (error) brokenProjects.set(path, error);
  }

  function publish(): void {
    const now = JSON.stringify([listApps(catalog.apps(), projects), [...brokenPython], [...brokenProjects]]);
    if (now === before) return;
    before = now;
    changed.fire();
  }

  function follow(): void {
    const watcher = vscode.workspace.createFileSystemWatcher(`**/{*.py,${projectFile}}`);
    const folders = vscode.workspace.createFileSystemWatcher('**/*', false, true, true);
    disposables.push(
      watcher,
      folders,
      folders.onDidCreate((uri) => void lookInFolder(uri)),
      watcher.onDidCreate(mark),
      watcher.onDidChange(mark),
      watcher.onDidDelete(mark),
      vscode.workspace.onDidChangeTextDocument(({ document }) => mark(document.uri)),
      vscode.workspace.onDidCloseTextDocument((document) => mark(document.uri)),
      vscode.workspace.onDidChangeWorkspaceFolders(() => void enqueue(search)),
    );
  }

  /** The editor doesn't report files that were in a new folder before it could watch it. */
  async function lookInFolder(uri: vscode.Uri): Promise<void> {
    if (!isOnDisk(uri) || /\.\w+$/.test(uri.path) || isSkipped(uri) || skippedFolders.test(basename(uri.path))) return;
    if (!(await stat(uri.fsPath).catch(() => undefined))?.isDirectory()) return;
    clearTimeout(looking);
    newFolders.add(uri.fsPath);
    looking = setTimeout(() => {
      const all = [...newFolders];
      newFolders.clear();
      void enqueue(async () => {
        const found = await Promise.all(all.map(filesBelow));
        await update(found.flat().filter((path) => !isSkipped(vscode.Uri.file(path))));
      });
    }, copiedMs);
  }

  function mark(uri: vscode.Uri): void {
    if (!isOnDisk(uri) || !/(\.py|pyproject\.toml)$/.test(uri.path) || isSkipped(uri)) return;
    dirty.add(uri.fsPath);
    settling ??= setTimeout(() => {
      settling = undefined;
      const paths = [...dirty];
      dirty = new Set();
      void enqueue(async () => {
        await update(paths);
        // A text that is being typed is doubtful for good reasons.
        if (catalog.doubtful().some((path) => paths.includes(path) && !isDirty(path))) await judge();
      });
    }, settleMs);
  }

  function judged(path: string, text: string, file: PythonFile): PythonFile {
    return file.isDoubtful && accepted.get(path) === text ? { ...file, isDoubtful: false } : file;
  }

  /** Asks Python about the files that the grammar doubts, and reads those again that Python accepts. */
  async function judge(): Promise<void> {
    const doubtful = catalog.doubtful();
    const texts = new Map(await Promise.all(doubtful.map(async (path) => [path, await sourceText(path)] as const)));
    const broken = doubtful.length > 0 ? await deps.checkSyntax(doubtful) : new Map();
    brokenPython = broken ?? new Map();
    if (!broken) return;
    for (const [path, text] of texts) {
      if (text === undefined || broken.has(path)) accepted.delete(path);
      else accepted.set(path, text);
    }
    await catalog.update(doubtful.filter((path) => accepted.has(path)));
  }

  /** An editor doesn't report the files of a deleted folder. */
  async function forgetGone(): Promise<void> {
    const gone = [...catalog.apps().keys(), ...projects.keys()].filter((path) => !existsSync(path));
    if (gone.length === 0) return;
    catalog.forget(gone);
    for (const path of gone) projects.delete(path);
    publish();
  }

  function known(): readonly WorkspaceApp[] {
    return listApps(catalog.apps(), projects).flatMap((app) => {
      const uri = vscode.Uri.file(app.path);
      const folder = vscode.workspace.getWorkspaceFolder(uri);
      return folder ? [{ ...app, uri, folder, file: fileIn(folder, uri) }] : [];
    });
  }

  return {
    /** All apps, sorted by file and line. The first call waits for the search. */
    async apps(): Promise<readonly WorkspaceApp[]> {
      if (!vscode.workspace.workspaceFolders?.length) return [];
      await ready();
      await forgetGone();
      return known();
    },
    /** The apps known now, without waiting. */
    known,
    /** Called after the apps or the broken files have changed. */
    onDidChange: changed.event,
    /** Asks Python about files that the grammar can't read, and returns those that Python can't read either. */
    async broken(): Promise<readonly BrokenFile[]> {
      await ready();
      await enqueue(judge);
      return [...brokenPython, ...brokenProjects].flatMap(([path, { line, why }]) => {
        const uri = vscode.Uri.file(path);
        const folder = vscode.workspace.getWorkspaceFolder(uri);
        return folder ? [{ uri, file: fileIn(folder, uri), line, why }] : [];
      });
    },
    /** The reading of a text of this file, without doubt if Python has accepted the text. */
    judged: (uri: vscode.Uri, text: string, file: PythonFile) => judged(uri.fsPath, text, file),
    /** The apps of one file, if this is its reading. */
    appsWith: (uri: vscode.Uri, file: PythonFile) => catalog.appsWith(uri.fsPath, file),
    reader,
    /** Looks at these files now: the editor reports those of a new folder late, or not at all. */
    async look(uris: readonly vscode.Uri[]): Promise<void> {
      await ready();
      const paths = uris.filter((uri) => isOnDisk(uri) && !isSkipped(uri)).map(({ fsPath }) => fsPath);
      await enqueue(() => update(paths));
    },
    /** Looks at every file again. */
    async refresh(): Promise<void> {
      await ready();
      await enqueue(search);
    },
    close() {
      clearTimeout(settling);
      clearTimeout(looking);
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

export type AppIndex = ReturnType<typeof createAppIndex>;

/** The Python files and projects below a folder. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const pattern = new vscode.RelativePattern(folder, `**/{*.py,${projectFile}}`);
  const found = await vscode.workspace.findFiles(pattern, skippedGlob, limits.pythonFiles);
  return found.filter(isOnDisk).map(({ fsPath }) => fsPath);
}

/** Whether `fal` should be run in this folder because of its `pyproject.toml`. */
export function hasProject(folder: string): boolean {
  return existsSync(join(folder, projectFile));
}

function fileIn(folder: vscode.WorkspaceFolder, uri: vscode.Uri): string {
  return relative(folder.uri.fsPath, uri.fsPath).replaceAll('\\', '/');
}

function isDirty(path: string): boolean {
  return vscode.workspace.textDocuments.some(
    ({ uri, isDirty: dirty }) => dirty && isOnDisk(uri) && uri.fsPath === path,
  );
}

function isOnDisk({ scheme }: vscode.Uri): boolean {
  return scheme === 'file';
}

function isSkipped(uri: vscode.Uri): boolean {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  return (
    !folder ||
    fileIn(folder, uri)
      .split('/')
      .slice(0, -1)
      .some((name) => skippedFolders.test(name))
  );
}

async function readText(path: string): Promise<string | undefined> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => isOnDisk(uri) && uri.fsPath === path);
  return open ? open.getText() : sourceText(path);
}

function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
