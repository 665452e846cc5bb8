import * as vscode from 'vscode';

/**
 * Requests that were opened before the schema of their app was known: such an answer may wait for a runner. Each gets
 * its text when it is, unless somebody has edited it.
 */
export function createFilling(deps: {
  /** Of what waits: a lens says so. */
  readonly changed: () => void;
}) {
  const waiting = new Set<string>();

  async function fill(
    document: vscode.TextDocument,
    text: Promise<string | undefined>,
    stop: AbortController,
  ): Promise<void> {
    const key = document.uri.toString();
    const before = document.getText();
    const closing = vscode.workspace.onDidCloseTextDocument((closed) => {
      if (closed === document) stop.abort();
    });
    waiting.add(key);
    deps.changed();
    try {
      const now = await text;
      if (now === undefined || now === before || document.isClosed || document.getText() !== before) return;
      const edit = new vscode.WorkspaceEdit();
      edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), now);
      await vscode.workspace.applyEdit(edit);
    } finally {
      closing.dispose();
      waiting.delete(key);
      deps.changed();
    }
  }

  return {
    /**
     * @param text resolves with the document's text; `undefined`: it stays as it is
     * @param stop is aborted when the document is closed
     */
    fill,
    isWaiting: (document: vscode.Uri): boolean => waiting.has(document.toString()),
  };
}

export type Filling = ReturnType<typeof createFilling>;
