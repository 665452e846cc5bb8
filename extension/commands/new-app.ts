import * as vscode from 'vscode';
import { commandId } from '../contributes/commands.ts';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import { fill, readTemplates, type Template, type Values } from '../target/templates.ts';
import { t } from '../words.ts';
import { activeFolder } from '../workspace/active-folder.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import { placeFor } from '../workspace/place-for.ts';
import { chooseTemplate, decide } from './new-app-form.ts';

/**
 * The command "New App": asks for a template and its variables, writes it into the empty folder, or into a new folder
 * below it, and opens its app.
 * Undo removes the files again; existing files are never changed.
 */
export function createNewApp(deps: {
  readonly templates: string;
  readonly index: Pick<AppIndex, 'look' | 'known'>;
  readonly present: Presenter;
}) {
  async function create(): Promise<vscode.Uri | undefined> {
    const open = activeFolder()?.uri;
    const templates = readTemplates(deps.templates);
    const entries = open ? await namesIn(open) : [];
    const describe = (template: Template) => {
      const place = open ? placeFor(template.name, entries) : template.name;
      const files = template.files.join(', ');
      return place === '.'
        ? t('Writes into this folder: {0}', files)
        : t('Writes into the new folder {0}: {1}', place, files);
    };
    const template = await chooseTemplate(templates, describe);
    const parent = open ?? (await chooseParent());
    if (!parent) return undefined;
    const inParent = open ? entries : await namesIn(parent);
    const { values, place, andCall } = await decide(template, inParent, open !== undefined);
    const target = place === '.' ? parent : vscode.Uri.joinPath(parent, place);
    await write(template, target, values);
    const app = vscode.Uri.joinPath(target, 'app.py');
    if (!open) {
      await vscode.commands.executeCommand('vscode.openFolder', target, { filesToOpen: [app] });
      return app;
    }
    await vscode.window.showTextDocument(app);
    await deps.index.look([app, vscode.Uri.joinPath(target, 'pyproject.toml')]);
    // An app that is an image alone has no line in its code from which to go on.
    if (!deps.index.known().some(({ uri }) => uri.fsPath === app.fsPath))
      await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.joinPath(target, 'README.md'));
    // Its request is for this endpoint; others are health checks, for example.
    const endpoint = { path: '/' };
    if (andCall) void vscode.commands.executeCommand(commandId('runAndCall'), { file: app.fsPath, endpoint });
    return app;
  }

  return {
    /** Resolves with the new app's file; `undefined`: none was made. */
    async create(): Promise<vscode.Uri | undefined> {
      try {
        return await create();
      } catch (error) {
        deps.present.problem(error);
        return undefined;
      }
    },
  };
}

async function namesIn(folder: vscode.Uri): Promise<readonly string[]> {
  return (await vscode.workspace.fs.readDirectory(folder)).map(([name]) => name);
}

/** Without an open folder: the folder for the new one. */
async function chooseParent(): Promise<vscode.Uri | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: t('Where Should the New Folder Be?'),
    openLabel: t('Create Here'),
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return chosen?.[0];
}

/** One edit, so that one Undo removes all files. */
async function write(template: Template, target: vscode.Uri, values: Values): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  for (const [name, contents] of fill(template, values)) {
    edit.createFile(vscode.Uri.joinPath(target, name), { overwrite: false, contents });
  }
  if (!(await vscode.workspace.applyEdit(edit))) {
    const what = t("The app was not created: a file in {0} already exists or can't be written.", target.fsPath);
    throw new Problem(what);
  }
}
