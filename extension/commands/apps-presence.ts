import * as vscode from 'vscode';
import type { SetContext } from '../contexts.ts';
import { activeFolder } from '../workspace/active-folder.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import type { FalClis } from './fal-cli.ts';

/** Whether the window's folders contain apps, and a Python with fal for them. Searched once the view is visible. */
export function createAppsPresence(deps: {
  readonly view: Pick<vscode.TreeView<unknown>, 'visible' | 'onDidChangeVisibility'>;
  readonly index: AppIndex;
  readonly clis: FalClis;
  readonly setContext: SetContext;
  readonly statusBar: { setHasApps(found: boolean): void };
}) {
  const { view, index, clis, setContext, statusBar } = deps;
  let looked = false;

  function found(hasApps: boolean): void {
    setContext('hasApps', hasApps);
    setContext('hasNoApps', !hasApps);
    statusBar.setHasApps(hasApps);
  }

  async function refresh(): Promise<void> {
    const hasApps = (await index.apps()).length > 0;
    found(hasApps);
    // The user opened the view. In a trusted folder, interpreters may be run to get their version.
    if (vscode.workspace.isTrusted) await clis.peek(activeFolder()?.uri);
  }

  function lookOnce(): void {
    if (looked || !view.visible) return;
    looked = true;
    void refresh();
  }

  const disposables: readonly vscode.Disposable[] = [
    view.onDidChangeVisibility(lookOnce),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void refresh()),
    vscode.workspace.onDidChangeWorkspaceFolders(() => void refresh()),
    index.onDidChange(() => found(index.known().length > 0)),
  ];
  lookOnce();

  return {
    /** Whether there are apps; `false` only after all files were searched. */
    found,
    /** Searches every file again. */
    async refresh() {
      await index.refresh();
      await refresh();
    },
    async refreshIfVisible() {
      if (view.visible) await refresh();
    },
    disposables,
  };
}
