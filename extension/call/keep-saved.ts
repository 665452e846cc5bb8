import * as vscode from 'vscode';
import { isRequestDocument } from './address.ts';

/** The user has stopped typing. */
const restMs = 200;

/**
 * Saves requests that aren't files of the workspace as they are edited, so that the editor never asks whether to save
 * them. Without the user's actions on save: text must not be formatted while it is typed.
 */
export function keepRequestsSaved(): vscode.Disposable {
  const waiting = new Map<vscode.TextDocument, NodeJS.Timeout>();
  const edits = vscode.workspace.onDidChangeTextDocument(({ document }) => {
    if (!isRequestDocument(document.uri)) return;
    clearTimeout(waiting.get(document));
    const save = (): void => {
      waiting.delete(document);
      void saved(document);
    };
    waiting.set(document, setTimeout(save, restMs));
  });
  return {
    dispose() {
      edits.dispose();
      for (const timer of waiting.values()) clearTimeout(timer);
    },
  };
}

async function saved(document: vscode.TextDocument): Promise<void> {
  if (!document.isDirty || document.isClosed) return;
  const isActive = vscode.window.activeTextEditor?.document === document;
  if (isActive) await vscode.commands.executeCommand('workbench.action.files.saveWithoutFormatting');
  else await document.save();
}
