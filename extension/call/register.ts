import * as vscode from 'vscode';
import { callScheme } from './address.ts';
import { keepRequestsSaved } from './keep-saved.ts';

/** What the editor asks about calls, once the session runs. */
export interface CallSide {
  readonly files: {
    stat(uri: vscode.Uri): Promise<vscode.FileStat>;
    readFile(uri: vscode.Uri): Promise<Uint8Array>;
    /** Only requests can be written. */
    writeFile(uri: vscode.Uri, bytes: Uint8Array): Promise<void>;
  };
  lenses(document: vscode.TextDocument): vscode.CodeLens[];
  links(document: vscode.TextDocument): vscode.DocumentLink[];
}

/** How the session says that something has changed. */
export interface CallEvents {
  /** A file of `callScheme`. */
  fileChanged(uri: vscode.Uri): void;
  lensesChanged(): void;
}

/** Request documents, wherever they are, and the answers to them. */
const callDocuments: vscode.DocumentSelector = [{ pattern: '**/*.fal.json' }, { scheme: callScheme }];

/** Registers what belongs to calls. Loads the session only when such a document is shown. */
export function registerCalls(load: () => Promise<CallSide>): { events: CallEvents; disposables: vscode.Disposable[] } {
  const changedFiles = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  const changedLenses = new vscode.EventEmitter<void>();
  const readOnly = (): never => {
    throw vscode.FileSystemError.NoPermissions('Read-only.');
  };
  const files: vscode.FileSystemProvider = {
    onDidChangeFile: changedFiles.event,
    watch: () => new vscode.Disposable(() => undefined),
    stat: async (uri) => (await load()).files.stat(uri),
    readFile: async (uri) => (await load()).files.readFile(uri),
    readDirectory: () => [],
    createDirectory: readOnly,
    writeFile: async (uri, bytes) => (await load()).files.writeFile(uri, bytes),
    delete: readOnly,
    rename: readOnly,
  };
  const lenses: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: changedLenses.event,
    provideCodeLenses: async (document) => (await load()).lenses(document),
  };
  const links: vscode.DocumentLinkProvider = {
    provideDocumentLinks: async (document) => (await load()).links(document),
  };
  return {
    events: {
      fileChanged: (uri) => changedFiles.fire([{ type: vscode.FileChangeType.Changed, uri }]),
      lensesChanged: () => changedLenses.fire(),
    },
    disposables: [
      changedFiles,
      changedLenses,
      keepRequestsSaved(),
      vscode.workspace.registerFileSystemProvider(callScheme, files, { isCaseSensitive: true }),
      vscode.languages.registerCodeLensProvider(callDocuments, lenses),
      vscode.languages.registerDocumentLinkProvider({ scheme: callScheme }, links),
    ],
  };
}
