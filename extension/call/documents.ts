import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { Problem } from '../problem.ts';
import { t } from '../words.ts';
import {
  addressIn,
  type CallAddress,
  callScheme,
  fileEnding,
  fileStem,
  formatAddress,
  isRequestDocument,
} from './address.ts';
import { isOpen, requestColumn, tabsOf } from './columns.ts';
import { exactText, isObject, type JsonObject, tryParseExact } from './json.ts';
import { brokenLine } from './json-error.ts';

/** A request as its document says it. */
export interface CallRequest {
  readonly address: CallAddress;
  readonly input: JsonObject;
}

/** @throws Problem if the document isn't one, or isn't complete */
export function readRequest(document: vscode.TextDocument): CallRequest {
  const text = document.getText();
  const address = callAddressOf(text);
  const value = tryParseExact(text);
  if (!isObject(value)) {
    const line = brokenLine(text) ?? 1;
    const place = { document: document.uri.toString(), line };
    throw new Problem(t('The request is not valid JSON: see line {0}.', line), undefined, place);
  }
  const { $schema: _, ...input } = value;
  return { address, input };
}

/** @throws Problem if the document has none */
export function callAddressOf(text: string): CallAddress {
  const address = addressIn(text);
  if (!address) throw new Problem(t('This document has no endpoint: set its "$schema" to "fal-call:/FILE::APP/PATH".'));
  return address;
}

/** The text of a document with this request. */
export function requestText({ address, input }: CallRequest): string {
  return `${exactText({ $schema: formatAddress(address), ...input }, 2)}\n`;
}

/**
 * Opens a JSON document, named after the endpoint, that isn't a file of the workspace. It never has to be saved.
 * @param code the file of the app
 */
export async function openRequest(
  text: string,
  address: CallAddress,
  code: vscode.Uri | undefined,
): Promise<vscode.TextDocument> {
  const column = requestColumn();
  const folder = code && vscode.workspace.getWorkspaceFolder(code)?.name;
  const at = (name: string) =>
    vscode.Uri.from({ scheme: callScheme, authority: 'request', path: `/${folder ? `${folder}/` : ''}${name}` });
  const isKnown = ({ path }: vscode.Uri) => vscode.workspace.textDocuments.some(({ uri }) => uri.path === path);
  const uri = await freeName(fileStem(address), at, async (one) => isKnown(one) || isOpen(one.toString()));
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  const opened = await vscode.workspace.openTextDocument(uri);
  const document =
    opened.languageId === 'json' ? opened : await vscode.languages.setTextDocumentLanguage(opened, 'json');
  await vscode.window.showTextDocument(document, { preview: false, viewColumn: column });
  return document;
}

/** The workspace folder that a request document is about. */
export function folderOf(document: vscode.Uri): vscode.WorkspaceFolder | undefined {
  if (!isRequestDocument(document)) return vscode.workspace.getWorkspaceFolder(document);
  const [, name, file] = document.path.split('/');
  return file === undefined ? undefined : vscode.workspace.workspaceFolders?.find((one) => one.name === name);
}

/**
 * Writes a request into a new file next to the code of its app, and shows that in place of `shown`.
 * @throws Problem if it has no endpoint; errors of the disk
 */
export async function saveRequest(
  text: string,
  code: vscode.Uri | undefined,
  shown: vscode.TextDocument | undefined,
): Promise<vscode.Uri> {
  const address = callAddressOf(text);
  const folder = vscode.Uri.file(folderFor(code));
  const file = await freeName(fileStem(address), (name) => vscode.Uri.joinPath(folder, name), exists);
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
  const old = shown ? tabsOf(shown.uri.toString()) : [];
  await vscode.window.showTextDocument(file, {
    preview: false,
    viewColumn: old[0]?.group.viewColumn ?? requestColumn(),
  });
  if (shown?.isDirty) await shown.save();
  if (old.length > 0) await vscode.window.tabGroups.close(old);
  return file;
}

async function freeName(
  stem: string,
  at: (name: string) => vscode.Uri,
  isTaken: (uri: vscode.Uri) => Promise<boolean>,
): Promise<vscode.Uri> {
  for (let number = 1; ; number++) {
    const uri = at(`${stem}${number === 1 ? '' : `-${number}`}${fileEnding}`);
    if (!(await isTaken(uri))) return uri;
  }
}

function exists(uri: vscode.Uri): Promise<boolean> {
  return Promise.resolve(vscode.workspace.fs.stat(uri)).then(
    () => true,
    () => false,
  );
}

/** Where the requests of an app are kept: next to its code. */
function folderFor(code: vscode.Uri | undefined): string {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  return code ? dirname(code.fsPath) : (folder ?? '/');
}
