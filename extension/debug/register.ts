import * as vscode from 'vscode';
import { contextKey } from '../contributes/contexts.ts';
import { debugType } from '../contributes/debuggers.ts';
import { stacksScheme } from './stacks-scheme.ts';

/** What the editor asks about debugging, once the session runs. */
export interface DebugSide {
  configurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]>;
  /** `undefined`: the person chose nothing, or was shown why it isn't possible. */
  resolve(
    folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined>;
  adapter(session: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor>;
  stacks(uri: vscode.Uri): Promise<string>;
  stackLinks(document: vscode.TextDocument): vscode.DocumentLink[];
}

/** Registers what belongs to debugging. Loads the session only when somebody debugs. */
export function registerDebugging(load: () => Promise<DebugSide>): {
  readonly stacksChanged: (uri: vscode.Uri) => void;
  readonly disposables: readonly vscode.Disposable[];
} {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const { Dynamic, Initial } = vscode.DebugConfigurationProviderTriggerKind;
  const listed = {
    provideDebugConfigurations: async (folder: vscode.WorkspaceFolder | undefined) =>
      (await load()).configurations(folder),
  };
  const provider: vscode.DebugConfigurationProvider = {
    ...listed,
    resolveDebugConfiguration: async (folder, given) => (await load()).resolve(folder, given),
  };
  const saved = vscode.workspace.getConfiguration('launch').get<unknown>('configurations');
  const isOurs = (one: unknown) => (one as { readonly type?: unknown } | null)?.type === debugType;
  if (Array.isArray(saved) && saved.some(isOurs)) {
    void vscode.commands.executeCommand('setContext', contextKey('hasDebugConfiguration'), true);
  }
  return {
    stacksChanged: (uri) => changed.fire(uri),
    disposables: [
      changed,
      vscode.debug.registerDebugConfigurationProvider(debugType, provider, Initial),
      vscode.debug.registerDebugConfigurationProvider(debugType, listed, Dynamic),
      vscode.debug.registerDebugAdapterDescriptorFactory(debugType, {
        createDebugAdapterDescriptor: async (session) => (await load()).adapter(session),
      }),
      vscode.workspace.registerTextDocumentContentProvider(stacksScheme, {
        onDidChange: changed.event,
        provideTextDocumentContent: async (uri) => (await load()).stacks(uri),
      }),
      vscode.languages.registerDocumentLinkProvider(
        { scheme: stacksScheme },
        { provideDocumentLinks: async (document) => (await load()).stackLinks(document) },
      ),
    ],
  };
}
