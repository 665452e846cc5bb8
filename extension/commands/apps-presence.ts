import * as vscode from 'vscode';
import type { SetContext } from '../contexts.ts';
import { activeFolder } from '../workspace/active-folder.ts';
import { appsIn, findApps } from '../workspace/find-apps.ts';
import type { FalClis } from './fal-cli.ts';

/** Whether the window's folders contain apps, and a Python with fal for them. Searched once the view is visible. */
export function createAppsPresence(deps: {
  readonly view: Pick<vscode.TreeView<unknown>, 'visible' | 'onDidChangeVisibility'>;
  readonly clis: FalClis;
  readonly setContext: SetContext;
  readonly statusBar: { setHasApps(found: boolean): void };
}) {
  const { view, clis, setContext, statusBar } = deps;
  let looked = false;

  function found(hasApps: boolean): void {
    setContext('hasApps', hasApps);
    statusBar.setHasApps(hasApps);
  }

  async function refresh(): Promise<void> {
    found((await findApps()).length > 0);
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
    vscode.workspace.onDidSaveTextDocument((document) => {
      if (document.languageId === 'python' && appsIn(document.uri, document.getText()).length > 0) found(true);
    }),
  ];
  lookOnce();

  return {
    found,
    refresh,
    async refreshIfVisible() {
      if (view.visible) await refresh();
    },
    disposables,
  };
}
