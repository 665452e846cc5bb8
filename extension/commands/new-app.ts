import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import { fill, readTemplates, type Template, type Values } from '../target/templates.ts';
import { t } from '../words.ts';
import { activeFolder } from '../workspace/active-folder.ts';
import { placeFor } from '../workspace/place-for.ts';

/**
 * The command "New App": writes a template into the empty folder, or into a new folder below it, and opens its app.
 * Undo removes the files again; existing files are never changed.
 */
export function createNewApp(deps: { readonly templates: string; readonly present: Presenter }) {
  async function create(): Promise<vscode.Uri | undefined> {
    const open = activeFolder()?.uri;
    const templates = readTemplates(deps.templates);
    const entries = open ? (await vscode.workspace.fs.readDirectory(open)).map(([name]) => name) : [];
    const items = templates.map((template) => {
      const place = open ? placeFor(template.name, entries) : template.name;
      const files = template.files.join(', ');
      return {
        label: `$(new-folder) ${template.name}`,
        description: template.shows,
        detail:
          place === '.'
            ? t('Writes into this folder: {0}', files)
            : t('Writes into the new folder {0}: {1}', place, files),
        template,
      };
    });
    const options = { title: t('New fal App'), placeHolder: t('Choose a template') };
    const chosen = await vscode.window.showQuickPick(items, options);
    if (!chosen) return undefined;
    const { template } = chosen;
    const parent = open ?? (await chooseParent());
    if (!parent) return undefined;
    const inParent = open ? entries : (await vscode.workspace.fs.readDirectory(parent)).map(([name]) => name);
    const place = open || inParent.includes(template.name) ? placeFor(template.name, inParent) : template.name;
    const target = place === '.' ? parent : vscode.Uri.joinPath(parent, place);
    await write(template, target, place === '.' ? {} : { 'app-name': place });
    const app = vscode.Uri.joinPath(target, 'app.py');
    if (open) await vscode.window.showTextDocument(app);
    else await vscode.commands.executeCommand('vscode.openFolder', target, { filesToOpen: [app] });
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
