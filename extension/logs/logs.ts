import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { type Filter, type Mark, noFilter, type PageAction } from '../../webview/host.ts';
import { commandId } from '../contributes/commands.ts';
import { viewId } from '../contributes/views.ts';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import type { Link } from '../target/link.ts';
import { connectLogs } from '../target/logs.ts';
import { askRequest } from '../target/requests.ts';
import type { NameOf } from '../views/app-names.ts';
import { t } from '../words.ts';
import { chooseLog } from './choose-log.ts';
import { exportRows } from './export.ts';
import { pageHtml } from './html.ts';
import { logRowOf, logTargetOf } from './log-target.ts';
import { openPlace } from './open-place.ts';
import { createPageHost, type LogExport } from './page-host.ts';

const marksKey = 'minifal.logMarks';
const leftKey = 'minifal.logPane';

/**
 * The log pane: a page in the panel, and what it asks for. Nothing is read while the page is hidden: the editor throws
 * the page away then, and a new one begins as that one was left.
 */
export function createLogs(deps: {
  readonly link: Link;
  readonly appNames: () => NameOf;
  readonly present: Presenter;
  readonly context: Pick<vscode.ExtensionContext, 'extensionUri' | 'workspaceState'>;
}) {
  const { link, appNames, present, context } = deps;
  const { workspaceState } = context;
  const dist = vscode.Uri.joinPath(context.extensionUri, 'dist', 'webview');
  let view: vscode.WebviewView | undefined;
  const host = createPageHost({
    link,
    appNames,
    connect: () => connectLogs(link.folder),
    request: (id) => askRequest(link.folder, id),
    post: (message) => void view?.webview.postMessage(message),
    isVisible: () => view?.visible ?? false,
    stored: {
      left: { get: () => workspaceState.get(leftKey), set: (value) => void workspaceState.update(leftKey, value) },
      marks: {
        get: () => workspaceState.get<readonly Mark[]>(marksKey, []),
        set: (all) => void workspaceState.update(marksKey, all),
      },
    },
    notRunning: () => ({ text: t('The emulator is not running.'), canStart: vscode.workspace.isTrusted }),
    problem: present.problem,
    openPlace,
    show,
    copy: async (text) => vscode.env.clipboard.writeText(text),
    save: exportAll,
    startEmulator: async () => vscode.commands.executeCommand(commandId('startEmulator')),
    leave: async () => vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup'),
  });

  async function exportAll({ rows, namesOf }: LogExport): Promise<void> {
    // Before a file is chosen: it would be replaced by an empty one.
    if (!connectLogs(link.folder)) throw new Problem(t('The emulator is not running.'), 'startEmulator');
    if (await exportRows(rows, namesOf)) void vscode.window.setStatusBarMessage(t('fal: the log was exported.'), 5_000);
  }

  /** Shows the pane with this filter, at the end of the log (`null`) or at a row. */
  async function show(next: Filter, at: number | null = null): Promise<void> {
    host.show(next, at);
    await vscode.commands.executeCommand(`${viewId('logs')}.focus`);
  }

  /** A command that the page carries out; while it is hidden, it is only shown. */
  const act =
    (action: PageAction) =>
    async (_argument: unknown): Promise<void> => {
      if (view?.visible) host.send({ type: 'act', action });
      else await vscode.commands.executeCommand(`${viewId('logs')}.focus`);
    };

  return {
    resolve(next: vscode.WebviewView): void {
      view = next;
      host.gone();
      const { webview } = next;
      webview.options = { enableScripts: true, localResourceRoots: [dist] };
      const uriOf = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
      webview.onDidReceiveMessage((message) => void host.receive(message).catch(present.problem));
      next.onDidChangeVisibility(() => {
        if (!next.visible) host.gone();
      });
      next.onDidDispose(() => {
        if (view !== next) return;
        view = undefined;
        host.gone();
      });
      webview.html = pageHtml({
        title: t('fal Log'),
        // The toolkit takes the theme's colours when the document has loaded, so it must be a part of the document.
        scripts: [uriOf('logs.js'), uriOf('ui.js')],
        style: uriOf('logs-style.css'),
        cspSource: webview.cspSource,
        nonce: randomBytes(16).toString('base64url'),
        language: vscode.env.language,
      });
    },
    commands: {
      async showLog(argument: unknown): Promise<void> {
        const { live } = link.snapshot();
        try {
          const target = logTargetOf(argument) ?? (await chooseLog(live, appNames()));
          await show({ ...noFilter, ...target }, logRowOf(argument));
        } catch (error) {
          present.problem(error);
        }
      },
      findInLog: act('find'),
      previousLogError: act('previousError'),
      nextLogError: act('nextError'),
      wrapLog: act('wrap'),
      copyLog: act('copy'),
      exportLog: act('export'),
      toggleServerLog: act('server'),
      clearLogFilter: act('clearFilter'),
    },
    close: host.close,
  };
}

export type LogPane = ReturnType<typeof createLogs>;
