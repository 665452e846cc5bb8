import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { Problem } from '../problem.ts';
import { t } from '../words.ts';
import { addressIn, type CallAddress, fileStem, formatAddress } from './address.ts';
import { requestColumn } from './columns.ts';
import { exactText, isObject, type JsonObject, tryParseExact } from './json.ts';

export const fileEnding = '.fal.json';

/** A request as its document says it. */
export interface CallRequest {
  readonly address: CallAddress;
  readonly input: JsonObject;
}

/** @throws Problem if the document isn't one, or isn't complete */
export function readRequest(text: string): CallRequest {
  const address = addressIn(text);
  if (!address) throw new Problem(t('This document has no endpoint: set its "$schema" to "fal-call:/FILE::APP/PATH".'));
  const value = tryParseExact(text);
  if (!isObject(value)) throw new Problem(t('The request was not sent: it is not a valid JSON object.'));
  const { $schema: _, ...input } = value;
  return { address, input };
}

/** The text of a document with this request. */
export function requestText({ address, input }: CallRequest): string {
  return `${exactText({ $schema: formatAddress(address), ...input }, 2)}\n`;
}

/**
 * Opens an untitled JSON document, named after the endpoint. Saving it puts it into `folder`; until then, nothing is
 * written.
 */
export async function openRequest(text: string, address: CallAddress, folder: string): Promise<vscode.TextDocument> {
  const column = requestColumn();
  const uri = await freeName(folder, fileStem(address));
  const opened = await vscode.workspace.openTextDocument(uri);
  const edit = new vscode.WorkspaceEdit();
  edit.insert(uri, new vscode.Position(0, 0), text);
  await vscode.workspace.applyEdit(edit);
  const document =
    opened.languageId === 'json' ? opened : await vscode.languages.setTextDocumentLanguage(opened, 'json');
  await vscode.window.showTextDocument(document, { preview: false, viewColumn: column });
  return document;
}

async function freeName(folder: string, stem: string): Promise<vscode.Uri> {
  const isOpen = (path: string) => vscode.workspace.textDocuments.some(({ uri }) => uri.fsPath === path);
  for (let number = 1; ; number++) {
    const path = join(folder, `${stem}${number === 1 ? '' : `-${number}`}${fileEnding}`);
    const file = vscode.Uri.file(path);
    if (!isOpen(path) && !(await exists(file))) return file.with({ scheme: 'untitled' });
  }
}

function exists(uri: vscode.Uri): Promise<boolean> {
  return Promise.resolve(vscode.workspace.fs.stat(uri)).then(
    () => true,
    () => false,
  );
}

/** Where the requests of an app are kept: next to its code. */
export function folderFor(code: vscode.Uri | undefined): string {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  return code ? dirname(code.fsPath) : (folder ?? '/');
}
