import * as vscode from 'vscode';
import { Cancelled, Problem } from '../problem.ts';
import { findApps, type WorkspaceApp } from './find-apps.ts';

/** The arguments that keybindings, tasks and tests may pass to skip the prompts. */
export interface AppArgument {
  /** Relative to the workspace folder, or absolute. */
  readonly file?: string;
  readonly app?: string;
}

/** Command arguments are untrusted input; an invalid argument counts as absent. */
export function appArgument(value: unknown): AppArgument {
  if (typeof value !== 'object' || value === null) return {};
  const { file, app } = value as { readonly file?: unknown; readonly app?: unknown };
  return { ...(typeof file === 'string' ? { file } : {}), ...(typeof app === 'string' ? { app } : {}) };
}

/**
 * The only app, or the one that the user picks; apps of the active editor come first.
 * @throws Problem when there is none, Cancelled
 */
export async function chooseApp(argument: AppArgument, title: string): Promise<WorkspaceApp> {
  const all = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: 'Looking for fal apps' },
    () => findApps(),
  );
  const fits = all.filter(
    ({ file, uri, name }) =>
      (argument.file === undefined || file === argument.file || uri.fsPath === argument.file) &&
      (argument.app === undefined || name === argument.app),
  );
  const active = vscode.window.activeTextEditor?.document.uri.toString();
  const apps = [...fits].sort((a, b) => Number(b.uri.toString() === active) - Number(a.uri.toString() === active));
  const [only, ...others] = apps;
  if (!only) throw new Problem(`No fal.App class or @fal.function was found in ${where(argument)}.`);
  if (others.length === 0) return only;
  const severalFolders = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
  const items = apps.map((app) => ({
    label: app.name,
    description: app.kind === 'app' ? 'app' : 'function',
    detail: `${severalFolders ? `${app.folder.name}/` : ''}${app.file}:${app.line + 1}`,
    iconPath: new vscode.ThemeIcon(app.kind === 'app' ? 'package' : 'symbol-function'),
    app,
  }));
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true, matchOnDetail: true });
  if (!picked) throw new Cancelled();
  return picked.app;
}

function where({ file, app }: AppArgument): string {
  return file ?? (app === undefined ? 'this workspace' : `this workspace under the name ${app}`);
}
