import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Runs } from '../commands/runs.ts';
import { signalOf } from '../present.ts';
import { Cancelled, Problem } from '../problem.ts';
import { t } from '../words.ts';
import type { AppIndex, WorkspaceApp } from '../workspace/app-index.ts';
import { appArgument, chooseApp } from '../workspace/choose-app.ts';
import { appKey } from '../workspace/code/listed.ts';
import { appOf, type CallAddress, formatAddress, isRequestDocument, parseAddress } from './address.ts';
import type { Answers } from './answers.ts';
import { callAddressOf, openRequest, requestText, saveRequest } from './documents.ts';
import type { Filling } from './filling.ts';
import { type History, isUnfinished, type PastCall } from './history.ts';
import { exactText } from './json.ts';
import { bare, describedPath, knownOperations } from './known-operations.ts';
import { documentText, type Operation } from './openapi.ts';
import type { Operations } from './operations.ts';
import type { Sending } from './sending.ts';
import type { Targets } from './targets.ts';

/** A schema that comes so soon is in the document from the beginning. */
const soonMs = 250;
/** Setup of an app, and the requests before this one. */
const longestMs = 30 * 60_000;

/** Opens request documents: new ones, and those of the history; and saves them. */
export function createOpening(deps: {
  readonly index: AppIndex;
  readonly runs: Runs;
  readonly targets: Targets;
  readonly operations: Operations;
  readonly answers: Answers;
  readonly history: History;
  readonly sending: Sending;
  readonly filling: Filling;
}) {
  const { index, runs, targets, operations, answers, history, sending, filling } = deps;

  /**
   * The command "Call App": from the palette, a lens (with an endpoint), or a row of the tree.
   * @param options `restart`: it is run first, with its code of now
   */
  async function callApp(argument: unknown, { restart = false } = {}): Promise<vscode.TextDocument> {
    const begin = await addressOf(argument);
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(longestMs)]);
    const target = restart ? undefined : await targets.started(begin, undefined, signal);
    // The same code describes the same.
    const same = target && operations.hasAnswered(begin, target) ? await operations.last(begin) : [];
    const asked = same.length > 0 ? Promise.resolve(same) : askApp(begin, target, signal);
    asked.catch(() => undefined);
    // An app that can't answer now is no reason not to open the request.
    const answer = await (target ? Promise.race([asked.catch(() => undefined), sleep(soonMs, undefined)]) : asked);
    const offered = answer?.length === 0 ? undefined : answer;
    const code = await targets.codeOf(begin);
    const wanted = endpointOf(argument);
    const operation = await operationOf(begin, wanted, { offered, asked, code }).catch((error: unknown) => {
      stop.abort(new Cancelled());
      throw error;
    });
    const address = { ...begin, path: operation.path };
    const textOf = ({ input }: Operation): string => documentText(formatAddress(address), input);
    const document = await openRequest(textOf(operation), address, code?.uri);
    if (!offered) {
      const found = asked.then((all) => all.find(({ path }) => path === address.path));
      // Why the app doesn't answer is in its log.
      void filling
        .fill(
          document,
          found.then((one) => one && textOf(one)),
          stop,
        )
        .catch(() => undefined);
    }
    return document;
  }

  /** Of an app whose description isn't there yet: what it said last, or else what its code has. */
  async function operationOf(
    address: CallAddress,
    wanted: string | undefined,
    about: {
      readonly offered: readonly Operation[] | undefined;
      readonly asked: Promise<readonly Operation[]>;
      readonly code: WorkspaceApp | undefined;
    },
  ): Promise<Operation> {
    const { offered, asked, code } = about;
    const known = offered ?? knownOperations(await operations.last(address), code?.code);
    if (wanted === undefined) return chooseOperation(address, known, asked);
    // The code may be newer than the description.
    return known.find(({ path }) => path === wanted) ?? bare(wanted);
  }

  /** @param target `undefined`: the app is run first, with its code of now */
  function askApp(
    address: CallAddress,
    target: Parameters<typeof operations.learn>[1] | undefined,
    signal: AbortSignal,
  ): Promise<readonly Operation[]> {
    if (target) return operations.learn(address, target, { mayWait: true, signal });
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: t('Starting {0} to ask for its inputs', appOf(address)),
      cancellable: true,
    };
    return Promise.resolve(
      vscode.window.withProgress(options, async (_, token) => {
        const either = AbortSignal.any([signal, signalOf(token)]);
        const run = await targets.restarted(address, either);
        return operations.learn(address, run, { mayWait: true, signal: either });
      }),
    );
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
    const source = answer ? sending.requestOf(answer.uri) : uri.toString();
    const open = vscode.workspace.textDocuments.find((one) => one.uri.toString() === source);
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
  return typeof endpoint?.path === 'string' ? describedPath(endpoint.path) : undefined;
}

/** The alias of a row of the tree that isn't of the folder's code. */
function aliasOf(argument: unknown): string | undefined {
  const { rowId, alias, file } = (argument ?? {}) as { readonly [name: string]: unknown };
  return typeof rowId === 'string' && file === undefined && typeof alias === 'string' ? alias : undefined;
}

/** @param asked all operations, which may come later; waited for if none is known */
async function chooseOperation(
  address: CallAddress,
  known: readonly Operation[],
  asked: Promise<readonly Operation[]>,
): Promise<Operation> {
  const itemsOf = (operations: readonly Operation[]) => {
    if (operations.length === 0) throw new Problem(t('{0} describes no endpoint that can be called.', appOf(address)));
    return operations.map((operation) => ({
      label: `${operation.method} ${operation.path}`,
      description: operation.summary,
      operation,
    }));
  };
  // People call a health check by its own lens.
  const [only, ...others] = known.filter(({ path }) => path !== '/health');
  if (only && others.length === 0) return only;
  const items = known.length > 0 ? Promise.resolve(itemsOf(known)) : asked.then(itemsOf);
  const picked = await vscode.window.showQuickPick(items, { title: t('Select an Endpoint of {0}', appOf(address)) });
  if (!picked) throw new Cancelled();
  return picked.operation;
}
