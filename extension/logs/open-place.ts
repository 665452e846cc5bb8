import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import type { Place } from '../../webview/host.ts';
import { Problem } from '../problem.ts';
import { t } from '../words.ts';
import { openedPath } from '../workspace/linked-folders.ts';

/** Shows a line of the log's source in the editor. @throws Problem if the file isn't found */
export async function openPlace({ file, line }: Place): Promise<void> {
  const uri = await findFile(file);
  if (!uri) throw new Problem(t('{0} was not found in this window.', basename(file)));
  const at = new vscode.Position(Math.max(0, line - 1), 0);
  await vscode.window.showTextDocument(uri, { selection: new vscode.Range(at, at) });
}

/** The file as the runner knows it, otherwise the file of a folder of the window with the longest equal end. */
async function findFile(file: string): Promise<vscode.Uri | undefined> {
  const folders = vscode.workspace.workspaceFolders?.map(({ uri }) => uri.fsPath) ?? [];
  if (isAbsolute(file) && (await isFile(file))) return vscode.Uri.file(openedPath(file, folders));
  const parts = file.split('/').filter((part) => part !== '' && part !== '..' && part !== '.');
  for (const folder of folders) {
    for (let from = 0; from < parts.length; from++) {
      const path = join(folder, ...parts.slice(from));
      if (await isFile(path)) return vscode.Uri.file(path);
    }
  }
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
