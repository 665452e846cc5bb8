import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import {
  type Filter,
  type HostMessage,
  type Mark,
  noFilter,
  type PageAction,
  parsePageMessage,
} from '../../webview/host.ts';
import { commandId } from '../contributes/commands.ts';
import { viewId } from '../contributes/views.ts';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import type { Link } from '../target/link.ts';
import { connectLogs } from '../target/logs.ts';
import type { NameOf } from '../views/app-names.ts';
import { t } from '../words.ts';
import { choicesOf } from './choices.ts';
import { chooseLog } from './choose-log.ts';
import { exportRows } from './export.ts';
import { createFeed } from './feed.ts';
import { pageHtml } from './html.ts';
import { createLeft } from './left.ts';
import { logRowOf, logTargetOf } from './log-target.ts';
import { createMarks } from './marks.ts';
import { createNames } from './names.ts';
import { openPlace } from './open-place.ts';
import { pageTexts } from './page-texts.ts';

const marksKey = 'minifal.logMarks';
const leftKey = 'minifal.logPane';
/** How often the choices of the filters follow the live state while the pane is visible. */
const choicesMs = 500;

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
  const names = createNames(link);
  let view: vscode.WebviewView | undefined;
  /** The page listens. */
  let isReady = false;
  let filter: Filter = noFilter;
  let sentChoices = '';
  let choosing: NodeJS.Timeout | undefined;
  let refusal: string | null = null;

  const send = (message: HostMessage): void => {
    // A hidden page gets nothing; it asks again when it is shown.
    if (isReady && view?.visible) void view.webview.postMessage(message);
  };
  const feed = createFeed({
    connect: () => connectLogs(link.folder),
    send(message) {
      if (message.type !== 'rows') return send(message);
      const { numbers, unknown } = names.look(message.rows);
      send({ ...message, numbers });
      const ask = message.where === 'live' ? names.askLive : names.ask;
      void ask(unknown, (found) => send({ type: 'numbers', numbers: found })).catch(present.problem);
    },
    refused(why) {
      refusal = why;
      sendNotice();
    },
    failed(error) {
      refusal = t('The log cannot be read: {0}', error instanceof Error ? error.message : String(error));
      sendNotice();
    },
  });
  const marks = createMarks({
    link,
    stored: {
      get: () => workspaceState.get<readonly Mark[]>(marksKey, []),
      set: (all) => void workspaceState.update(marksKey, all),
    },
    changed: (all) => send({ type: 'marks', marks: all }),
  });

  const left = createLeft({
    get: () => workspaceState.get(leftKey),
    set: (value) => void workspaceState.update(leftKey, value),
  });

  function sendNotice(): void {
    const { state } = link.snapshot();
    if (refusal !== null) send({ type: 'notice', notice: { text: refusal, canStart: false } });
    else if (state === 'running') send({ type: 'notice', notice: null });
    else if (state === 'starting')
      send({ type: 'notice', notice: { text: t('The emulator is starting.'), canStart: false } });
    else {
      const text = t('The emulator is not running.');
      send({ type: 'notice', notice: { text, canStart: vscode.workspace.isTrusted } });
    }
  }

  function sendChoices(): void {
    clearTimeout(choosing);
    choosing = undefined;
    const { live, last } = link.snapshot();
    const choices = choicesOf(live ?? last, filter, appNames());
    const text = JSON.stringify(choices);
    if (text === sentChoices) return;
    sentChoices = text;
    send({ type: 'choices', choices });
  }

  const unsubscribe = link.onChange((now, before) => {
    if (now.state !== before.state) sendNotice();
    if (!view?.visible) return;
    choosing ??= setTimeout(sendChoices, choicesMs);
    if (now.live && !before.live) {
      names.forget();
      feed.resume();
    }
  });

  async function receive(value: unknown): Promise<void> {
    const message = parsePageMessage(value);
    switch (message?.type) {
      case 'ready':
        isReady = true;
        sentChoices = '';
        send({ type: 'start', texts: pageTexts(), ...left.next() });
        send({ type: 'marks', marks: marks.all() });
        sendNotice();
        break;
      case 'query':
        filter = message.filter;
        sendChoices();
        await feed.query(message.query, filter, message.at);
        break;
      case 'left':
        left.keep(message.left);
        break;
      case 'more':
        await feed.more(message.query, message.where, message.from);
        break;
      case 'findError':
        await feed.findError(message.query, message.where, message.from);
        break;
      case 'openPlace':
        await openPlace(message.place);
        break;
      case 'openRequest':
        await show({ ...noFilter, requestId: message.id, server: filter.server });
        break;
      case 'copy':
        await vscode.env.clipboard.writeText(message.text);
        break;
      case 'export':
        await exportAll();
        break;
      case 'startEmulator':
        await vscode.commands.executeCommand(commandId('startEmulator'));
        break;
      case 'leave':
        await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
        break;
      case undefined:
        break;
    }
  }

  async function exportAll(): Promise<void> {
    // Before a file is chosen: it would be replaced by an empty one.
    if (!connectLogs(link.folder)) throw new Problem(t('The emulator is not running.'), 'startEmulator');
    const exported = filter;
    if (await exportRows((signal) => feed.all(exported, signal), names.of))
      void vscode.window.setStatusBarMessage(t('fal: the log was exported.'), 5_000);
  }

  /** Shows the pane with this filter, at the end of the log (`null`) or at a row. */
  async function show(next: Filter, at: number | null = null): Promise<void> {
    if (isReady && view?.visible) send({ type: 'filter', filter: next, at });
    else left.show(next, at);
    await vscode.commands.executeCommand(`${viewId('logs')}.focus`);
  }

  /** A command that the page carries out; while it is hidden, it is only shown. */
  const act =
    (action: PageAction) =>
    async (_argument: unknown): Promise<void> => {
      if (view?.visible) send({ type: 'act', action });
      else await vscode.commands.executeCommand(`${viewId('logs')}.focus`);
    };

  return {
    resolve(next: vscode.WebviewView): void {
      view = next;
      isReady = false;
      const { webview } = next;
      webview.options = { enableScripts: true, localResourceRoots: [dist] };
      const uriOf = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
      webview.onDidReceiveMessage((message) => void receive(message).catch(present.problem));
      next.onDidChangeVisibility(() => {
        if (next.visible) return;
        isReady = false;
        feed.stop();
      });
      next.onDidDispose(() => {
        if (view !== next) return;
        view = undefined;
        isReady = false;
        feed.stop();
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
    close() {
      clearTimeout(choosing);
      feed.stop();
      marks.close();
      unsubscribe();
    },
  };
}

export type LogPane = ReturnType<typeof createLogs>;
