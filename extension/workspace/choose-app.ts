import * as vscode from 'vscode';
import { withSign } from '../present.ts';
import { Cancelled, Problem } from '../problem.ts';
import { t } from '../words.ts';
import type { AppIndex, BrokenFile, WorkspaceApp } from './app-index.ts';
import { nearestFirst } from './code/listed.ts';

/** The arguments that lenses, keybindings, tasks and tests may pass to skip the prompts. */
export interface AppArgument {
  /** Relative to the workspace folder, or absolute. */
  readonly file?: string;
  /** The name of the class, the function, or the entry of `[tool.fal.apps]`. */
  readonly app?: string;
}

/** Command arguments are untrusted input; an invalid argument counts as absent. */
export function appArgument(value: unknown): AppArgument {
  if (typeof value !== 'object' || value === null) return {};
  const { file, app } = value as { readonly file?: unknown; readonly app?: unknown };
  return { ...(typeof file === 'string' ? { file } : {}), ...(typeof app === 'string' ? { app } : {}) };
}

interface Item extends vscode.QuickPickItem {
  readonly choice: WorkspaceApp | BrokenFile;
}

/**
 * The only app, or the one that the user picks: the one at the cursor comes first, then others of its file. Of a file
 * that Python can't parse, the apps of its last good text say so; a command for one fails and is listed in Problems.
 * Without any, the file itself is listed, because an app may be missing for that reason; picking it opens it.
 * @throws Problem when there is none, Cancelled
 */
export async function chooseApp(index: AppIndex, argument: AppArgument, title: string): Promise<WorkspaceApp> {
  const all = await withSign(t('Looking for fal apps'), () => index.apps());
  const fits = all.filter(
    ({ file, uri, name, entry }) =>
      (argument.file === undefined || file === argument.file || uri.fsPath === argument.file) &&
      (argument.app === undefined || name === argument.app || entry?.name === argument.app),
  );
  const [only, ...others] = fits;
  if (only && others.length === 0 && argument.app !== undefined) return only;
  const broken = (await index.broken()).filter(
    ({ file, uri }) => argument.file === undefined || file === argument.file || uri.fsPath === argument.file,
  );
  if (only && others.length === 0 && broken.length === 0) return only;
  if (!only && broken.length === 0) {
    throw new Problem(t('No fal.App class or @fal.function was found in {0}.', where(argument)), 'newApp');
  }
  const editor = vscode.window.activeTextEditor;
  const apps = editor ? nearestFirst(fits, editor.document.uri.fsPath, editor.selection.active.line) : fits;
  const brokenAt = new Map(broken.map((file) => [file.uri.fsPath, file]));
  const withApps = new Set(apps.map(({ uri }) => uri.fsPath));
  const items: readonly Item[] = [
    ...apps.map((app) => {
      const file = brokenAt.get(app.uri.fsPath);
      return file ? { ...brokenItem(file), label: app.label, choice: app } : appItem(app);
    }),
    ...broken.filter(({ uri }) => !withApps.has(uri.fsPath)).map(brokenItem),
  ];
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true, matchOnDetail: true });
  if (!picked) throw new Cancelled();
  if ('label' in picked.choice) return picked.choice;
  const { uri, line } = picked.choice;
  await vscode.window.showTextDocument(uri, { selection: new vscode.Range(line, 0, line, 0) });
  throw new Cancelled();
}

function appItem(app: WorkspaceApp): Item {
  const kind = app.kind === 'app' ? t('app') : t('function');
  return {
    label: app.label,
    description: app.entry ? `pyproject: ${app.entry.name}` : kind,
    detail: `${folderName(app.uri)}${app.file}:${app.line + 1}`,
    iconPath: new vscode.ThemeIcon(app.kind === 'app' ? 'package' : 'symbol-function'),
    choice: app,
  };
}

function brokenItem(file: BrokenFile): Item {
  return {
    label: file.file.split('/').at(-1) ?? file.file,
    description: t('line {0}: {1}', file.line + 1, file.why),
    detail: `${folderName(file.uri)}${file.file}:${file.line + 1}`,
    iconPath: new vscode.ThemeIcon('warning'),
    choice: file,
  };
}

function folderName(uri: vscode.Uri): string {
  const severalFolders = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
  return severalFolders ? `${vscode.workspace.getWorkspaceFolder(uri)?.name}/` : '';
}

function where({ file, app }: AppArgument): string {
  return file ?? (app === undefined ? t('this workspace') : t('this workspace under the name {0}', app));
}
