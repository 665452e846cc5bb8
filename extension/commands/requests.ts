import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import type { Link } from '../target/link.ts';
import { askLogs } from '../target/logs.ts';
import { askRequest, askRequestData, callEmulator } from '../target/requests.ts';
import type { NameOf } from '../views/app-names.ts';
import { type RequestFilter, requestItems, stateWord } from '../views/request-rows.ts';
import { requestText } from '../views/request-text.ts';
import type { RequestsView } from '../views/requests-view.ts';
import { fromClick } from '../views/row-items.ts';
import { type Element, elementsOf } from '../views/row-view.ts';
import { t } from '../words.ts';
import { requestScheme as scheme } from './request-scheme.ts';

const maxLines = 500;

/** The queue's answer when a request that is finished is to be cancelled. */
const alreadyCompleted = 400;

/** Opens, cancels and replays requests, and filters their view. */
export function createRequestCommands(deps: {
  readonly link: Link;
  readonly appNames: () => NameOf;
  readonly view: Pick<RequestsView, 'filter' | 'setFilter'>;
  readonly present: Presenter;
  /** The document of a request has another text. */
  readonly changed: (uri: vscode.Uri) => void;
}) {
  const { link, appNames, view, present, changed } = deps;
  /** How far each request was when its document was last read. */
  const seen = new Map<string, string>();

  /** Documents that are open follow their requests until these are finished. */
  function follow(): void {
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme !== scheme) continue;
      const now = stageOf(uri.query);
      if (now === undefined || now === seen.get(uri.query)) continue;
      seen.set(uri.query, now);
      changed(uri);
    }
  }

  function stageOf(id: string): string | undefined {
    const requests = [...(link.snapshot().live?.requests.values() ?? [])];
    const request = requests.find((one) => one.id === id);
    return request && `${request.phase} ${request.attempts} ${request.error?.message}`;
  }

  const unfollow = link.onChange(follow);

  async function textOf({ query: id }: vscode.Uri): Promise<string> {
    const stage = stageOf(id);
    if (stage !== undefined) seen.set(id, stage);
    const [facts, data, logs] = await Promise.all([
      askRequest(link.folder, id),
      askRequestData(link.folder, id),
      askLogs(link.folder, { request: id, limit: maxLines }),
    ]);
    if (!facts) return `${t('This request is no longer in the history of the emulator, or no emulator is running.')}\n`;
    const lines = (logs ?? []).map(({ at, message }) => ({ at, text: message }));
    return requestText(facts, { data, logs: lines }, timeOf);
  }

  /** `from`: a click leaves the focus in the list. */
  async function open(element: unknown, from?: unknown): Promise<boolean> {
    const [row] = await chosen(element, undefined, t('Select a Request to Open'));
    if (row?.id === undefined || row.request === undefined) return false;
    const uri = vscode.Uri.from({ scheme, path: `/Request #${row.request}.md`, query: row.id });
    changed(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: from === fromClick });
    return true;
  }

  /** Asks the queue to cancel each of them. Returns the number of those that it cancels. */
  async function cancel(element: unknown, selection: unknown): Promise<number> {
    const answers = await Promise.all(
      (await chosen(element, selection, t('Select a Request to Cancel'), true)).map(async ({ id, alias, request }) => {
        const path = `/${owner()}/${alias}/requests/${encodeURIComponent(id ?? '')}/cancel`;
        const answer = await callEmulator(link.folder, { port: 'queue', method: 'PUT', path });
        return { request: `#${request}`, answer: answer ?? 0 };
      }),
    );
    const failures = answers.filter(({ answer }) => answer === 0 || answer >= 300);
    if (failures.length > 0) {
      const names = failures.map(({ request }) => request).join(', ');
      const areFinished = failures.every(({ answer }) => answer === alreadyCompleted);
      const sentence = areFinished ? t('{0}: finished already.', names) : t('{0} could not be cancelled.', names);
      present.problem(new Problem(sentence));
    }
    return answers.length - failures.length;
  }

  /** Submits each of them again, with the same input. Returns their number. */
  async function replay(element: unknown, selection: unknown): Promise<number> {
    const answers = await Promise.all(
      (await chosen(element, selection, t('Select a Request to Replay'))).map(replayOne),
    );
    const failures = answers.filter((answer) => answer !== undefined);
    if (failures[0] !== undefined) present.problem(new Problem(failures[0]));
    return answers.length - failures.length;
  }

  /** `undefined`: it was submitted; otherwise, a sentence that says why not. */
  async function replayOne({ id = '', alias, request }: Element): Promise<string | undefined> {
    const [facts, data] = await Promise.all([askRequest(link.folder, id), askRequestData(link.folder, id)]);
    const { input } = data ?? {};
    if (!facts || !input) return t('The input of #{0} is not stored.', request ?? 0);
    if (input.base64 === null) return t('The input of #{0} is too large to be sent again.', request ?? 0);
    const query = input.query === '' ? '' : `?${input.query}`;
    const { method, path } = facts;
    const answer = await callEmulator(link.folder, {
      port: 'queue',
      method,
      path: `/${owner()}/${alias}${path === '/' ? '' : path}${query}`,
      contentType: input.contentType,
      body: Uint8Array.from(atob(input.base64), (one) => one.charCodeAt(0)),
    });
    if (answer !== undefined && answer < 300) return undefined;
    return answer === undefined
      ? t('#{0} could not be sent again.', request ?? 0)
      : t('#{0} could not be sent again (status {1}).', request ?? 0, answer);
  }

  /** The rows of a menu; without them, the request that the user picks. */
  async function chosen(
    element: unknown,
    selection: unknown,
    title: string,
    onlyOpen = false,
  ): Promise<readonly Element[]> {
    const given = requestsOf(element, selection);
    if (given.length > 0) return given;
    const { live } = link.snapshot();
    if (!live) return [];
    const items = requestItems({ snapshot: { live }, isAll: true, nameOf: appNames() }, Date.now())
      .filter(({ kind }) => !onlyOpen || kind === 'request.waiting' || kind === 'request.running')
      .map((row) => ({ label: row.label, description: row.description, element: { rowId: row.id, ...row.about } }));
    const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
    return picked ? [picked.element] : [];
  }

  async function filter(): Promise<void> {
    const now = view.filter();
    const apps = [...(link.snapshot().live?.apps.keys() ?? [])].sort();
    const nameOf = appNames();
    const kinds = ['waiting', 'running', 'done', 'failed'] as const;
    const current = (isSet: boolean) => (isSet ? { description: t('current') } : {});
    const items: readonly (vscode.QuickPickItem & { readonly next?: () => Promise<RequestFilter | undefined> })[] = [
      { label: `$(clear-all) ${t('Show All')}`, next: async () => ({}) },
      {
        label: `$(search) ${t('Contains…')}`,
        ...(now.text ? { description: now.text } : {}),
        next: () => withText(now),
      },
      { label: t('State'), kind: vscode.QuickPickItemKind.Separator },
      ...kinds.map((state) => ({
        label: stateWord(state),
        ...current(now.state === state),
        next: async () => ({ ...now, state }),
      })),
      { label: t('App'), kind: vscode.QuickPickItemKind.Separator },
      ...apps.map((alias) => ({
        label: nameOf(alias),
        ...current(now.alias === alias),
        next: async () => ({ ...now, alias }),
      })),
    ];
    const picked = await vscode.window.showQuickPick(items, { title: t('Filter Requests') });
    const next = await picked?.next?.();
    if (next) await view.setFilter(next);
  }

  const owner = (): string => link.snapshot().live?.head.owner ?? 'local';

  return {
    open,
    cancel,
    replay,
    filter,
    textOf,
    close: unfollow,
  };
}

function requestsOf(element: unknown, selection: unknown): readonly Element[] {
  return elementsOf(element, selection).filter(({ id, request }) => id !== undefined && request !== undefined);
}

async function withText(now: RequestFilter): Promise<RequestFilter | undefined> {
  const prompt = t('A part of the endpoint, the number, the ID, or the error');
  const text = await vscode.window.showInputBox({ title: t('Filter Requests'), prompt, value: now.text ?? '' });
  if (text === undefined) return undefined;
  const { text: _, ...others } = now;
  return text === '' ? others : { ...now, text };
}

function timeOf(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}
