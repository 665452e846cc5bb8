import * as vscode from 'vscode';
import type { Runs } from '../commands/runs.ts';
import { signalOf } from '../present.ts';
import { Cancelled, Problem } from '../problem.ts';
import { t } from '../words.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import { appArgument, chooseApp } from '../workspace/choose-app.ts';
import { appKey } from '../workspace/code/listed.ts';
import { appOf, type CallAddress, formatAddress, isRequestDocument, parseAddress } from './address.ts';
import type { Answers } from './answers.ts';
import { callAddressOf, openRequest, requestText, saveRequest } from './documents.ts';
import { type History, isUnfinished, type PastCall } from './history.ts';
import { exactText } from './json.ts';
import { documentText, type Operation } from './openapi.ts';
import type { Operations } from './operations.ts';
import type { Sending } from './sending.ts';
import type { Targets } from './targets.ts';

/** Opens request documents: new ones, and those of the history; and saves them. */
export function createOpening(deps: {
  readonly index: AppIndex;
  readonly runs: Runs;
  readonly targets: Targets;
  readonly operations: Operations;
  readonly answers: Answers;
  readonly history: History;
  readonly sending: Sending;
}) {
  const { index, runs, targets, operations, answers, history, sending } = deps;

  /**
   * The command "Call App": from the palette, a lens (with an endpoint), or a row of the tree.
   * @param options `restart`: it is run first, with its code of now
   */
  async function callApp(argument: unknown, { restart = false } = {}): Promise<vscode.TextDocument> {
    const begin = await addressOf(argument);
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: t('Asking {0} for its inputs', appOf(begin)),
      cancellable: true,
    };
    const offered = await vscode.window.withProgress(options, async (_, token) => {
      const signal = signalOf(token);
      const target = await (restart ? targets.restarted(begin, signal) : targets.ready(begin, undefined, signal));
      return operations.learn(begin, target, { mayWait: true, signal });
    });
    const wanted = endpointOf(argument);
    const operation =
      offered.find(({ path }) => path === wanted?.replace(/:[^{}]+\}/g, '}')) ??
      (await chooseOperation(begin, offered));
    const address = { ...begin, path: operation.path };
    const code = await targets.codeOf(address);
    return openRequest(documentText(formatAddress(address), operation.input), address, code?.uri);
  }

  async function addressOf(argument: unknown): Promise<CallAddress> {
    const alias = aliasOf(argument);
    if (alias !== undefined) {
      const app = (await index.apps()).find(
        (one) => one.appName === alias || runs.aliasesOf(appKey(one)).includes(alias),
      );
      return app ? { file: app.file, app: app.entry?.name ?? app.name, path: '/' } : { alias, path: '/' };
    }
    const app = await chooseApp(index, appArgument(argument), t('Select an App to Call'));
    if (app.kind === 'function')
      throw new Problem(t('{0} is a function: it has no endpoints. Run it instead.', app.name));
    return { file: app.file, app: app.entry?.name ?? app.name, path: '/' };
  }

  async function save(argument: unknown): Promise<boolean> {
    const { uri } = await sending.documentOf(argument);
    const answer = answers.get(uri.toString());
    const source = answer ? sending.requestOf(answer.uri) : uri.path;
    const open = vscode.workspace.textDocuments.find((one) => one.uri.path === source);
    if (open && !isRequestDocument(open.uri)) return (await vscode.workspace.save(open.uri)) !== undefined;
    const text = open?.getText() ?? (answer && requestText(answer.request));
    if (text === undefined) return false;
    const code = await targets.codeOf(callAddressOf(text), open?.uri);
    const file = await saveRequest(text, code?.uri, open);
    if (open) sending.moved(open.uri, file);
    return true;
  }

  async function showHistory(): Promise<boolean> {
    const items = (await history.list()).map((call) => ({
      label: callName(call),
      description: isUnfinished(call) ? unfinishedText(call) : call.head,
      detail: `${new Date(call.at).toLocaleString('en-GB')}  ${exactText(call.input).slice(0, 100)}`,
      call,
    }));
    const options = { title: t('Call History'), matchOnDescription: true, matchOnDetail: true };
    const picked = await vscode.window.showQuickPick(items, options);
    const address = picked && parseAddress(picked.call.address);
    if (!picked || !address) return false;
    const { call } = picked;
    const request = { address, input: call.input };
    const code = await targets.codeOf(address);
    const document = await openRequest(requestText(request), address, code?.uri);
    const answer = answers.restore(call, answers.newUri(request, call.method));
    if (!answer) return false;
    await sending.attach(document.uri, answer);
    return true;
  }

  return { callApp, save, showHistory };
}

function unfinishedText({ mode }: PastCall): string {
  return mode === 'queue' ? t('sent to the queue') : t('sent');
}

function callName({ method, address }: PastCall): string {
  const parsed = parseAddress(address);
  return parsed ? t('{0} of {1}', `${method} ${parsed.path}`, appOf(parsed)) : address;
}

/** The path of the endpoint whose lens was clicked. */
function endpointOf(argument: unknown): string | undefined {
  const { endpoint } = (argument ?? {}) as { readonly endpoint?: { readonly path?: unknown } };
  return typeof endpoint?.path === 'string' ? endpoint.path : undefined;
}

/** The alias of a row of the tree that isn't of the folder's code. */
function aliasOf(argument: unknown): string | undefined {
  const { rowId, alias, file } = (argument ?? {}) as { readonly [name: string]: unknown };
  return typeof rowId === 'string' && file === undefined && typeof alias === 'string' ? alias : undefined;
}

async function chooseOperation(address: CallAddress, operations: readonly Operation[]): Promise<Operation> {
  const [only, ...others] = operations;
  if (!only) throw new Problem(t('{0} describes no endpoint that can be called.', appOf(address)));
  if (others.length === 0) return only;
  const items = operations.map((operation) => ({
    label: `${operation.method} ${operation.path}`,
    description: operation.summary,
    operation,
  }));
  const picked = await vscode.window.showQuickPick(items, { title: t('Select an Endpoint of {0}', appOf(address)) });
  if (!picked) throw new Cancelled();
  return picked.operation;
}
