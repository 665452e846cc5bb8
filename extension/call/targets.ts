import * as vscode from 'vscode';
import type { Runs } from '../commands/runs.ts';
import { appFacts } from '../lens/facts.ts';
import { placesOf } from '../lens/places.ts';
import { signalOf } from '../present.ts';
import { Cancelled, Problem, untrusted } from '../problem.ts';
import { readText, send } from '../target/calls.ts';
import type { Link } from '../target/link.ts';
import { t } from '../words.ts';
import type { AppIndex, WorkspaceApp } from '../workspace/app-index.ts';
import { appKey } from '../workspace/code/listed.ts';
import { type CallAddress, appOf as nameOf } from './address.ts';
import { folderOf } from './documents.ts';
import { isObject, type Json, tryParse } from './json.ts';
import { type Operation, operationsOf } from './openapi.ts';
import type { CallTarget } from './run-call.ts';

interface Found extends CallTarget {
  /** A `fal run` isn't. */
  readonly isDeployed: boolean;
  /** Changes with its code. */
  readonly revision: string;
  /** A runner can answer, though perhaps only after other requests. */
  readonly isReady: boolean;
  /** All runners that can answer have a request. */
  readonly isBusy: boolean;
}

/** Finds where the app of an address runs, starts it if it doesn't, and asks for its schema. */
export function createTargets(deps: {
  readonly link: Link;
  readonly index: AppIndex;
  readonly runs: Runs;
  readonly ensureEmulator: () => Promise<void>;
  /** The command: it shows its own errors. `false`: the run hasn't begun. */
  readonly runApp: (argument: { readonly file: string; readonly app: string }) => Promise<boolean>;
}) {
  const { link, index, runs } = deps;

  /** The app in the workspace; of several folders with the same file, the document's own. */
  async function codeOf(address: CallAddress, document?: vscode.Uri): Promise<WorkspaceApp | undefined> {
    const all = await index.apps();
    if ('alias' in address) {
      const { alias } = address;
      return all.find((app) => app.appName === alias || runs.aliasesOf(appKey(app)).includes(alias));
    }
    const fits = all.filter(
      ({ file, name, entry }) => file === address.file && (name === address.app || entry?.name === address.app),
    );
    const folder = document && folderOf(document);
    return fits.find((app) => app.folder.uri.toString() === folder?.uri.toString()) ?? fits[0];
  }

  async function find(address: CallAddress, document?: vscode.Uri): Promise<Found | undefined> {
    const { live } = link.snapshot();
    if (!live) return undefined;
    const facts = appFacts(live, Date.now());
    const app = 'alias' in address ? undefined : await codeOf(address, document);
    const places = app ? placesOf(app.path, app, index.known(), facts, runs) : [];
    const one = 'alias' in address ? facts.get(address.alias) : places.find((place) => place.facts)?.facts;
    if (!one) return undefined;
    const row = live.apps.get(one.alias);
    const isDeployed = row?.kind === 'deployed';
    const { owner } = live.head;
    // Reloaded code has the revision of the run that it belongs to.
    const revision = [row?.revision ?? '', ...(row?.reload ? [row.reload.at] : [])].join(' ');
    const { alias, ready, busy } = one;
    return { owner, alias, revision, isDeployed, isReady: ready > 0, isBusy: ready > 0 && busy >= ready };
  }

  /** Starts what doesn't run: the emulator, then the app. @throws Problem, Cancelled, also by `signal` */
  async function ready(address: CallAddress, document: vscode.Uri | undefined, signal: AbortSignal): Promise<Found> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    await deps.ensureEmulator();
    // A window that was just reloaded knows its runs only after a moment, and what they serve.
    await Promise.all([runs.joined(), link.until(({ live }) => live !== undefined, signal)]);
    const known = await find(address, document);
    if (known) return known;
    const app = await codeOf(address, document);
    if (!app || 'alias' in address) {
      throw new Problem(t('{0} is neither in this workspace nor deployed to the local emulator.', nameOf(address)));
    }
    return run(app, address, document, signal);
  }

  /** The same, with progress only if something has to be started. */
  async function started(address: CallAddress, document: vscode.Uri | undefined, signal: AbortSignal): Promise<Found> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    const found = await find(address, document);
    if (found) return found;
    const title = t('Starting {0}', nameOf(address));
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    return vscode.window.withProgress(options, (_, token) =>
      ready(address, document, AbortSignal.any([signal, signalOf(token)])),
    );
  }

  /** Runs it with its code of now, in place of its present run; what isn't in this workspace is only found. */
  async function restarted(address: CallAddress, signal: AbortSignal): Promise<Found> {
    const app = await codeOf(address);
    return app ? run(app, address, undefined, signal) : ready(address, undefined, signal);
  }

  async function run(
    app: WorkspaceApp,
    address: CallAddress,
    document: vscode.Uri | undefined,
    signal: AbortSignal,
  ): Promise<Found> {
    const begun = await deps.runApp({ file: app.uri.fsPath, app: app.entry?.name ?? app.name });
    if (!begun) throw new Cancelled();
    return waitForRun(app, address, document, signal);
  }

  function waitForRun(
    app: WorkspaceApp,
    address: CallAddress,
    document: vscode.Uri | undefined,
    signal: AbortSignal,
  ): Promise<Found> {
    return new Promise((resolve, reject) => {
      let wasRunning = false;
      const stops: (() => void)[] = [];
      const end = (settle: () => void): void => {
        for (const stop of stops) stop();
        settle();
      };
      const look = async (): Promise<void> => {
        const isRunning = runs.aliasesOf(appKey(app)).length > 0;
        const found = await find(address, document);
        if (found && !found.isDeployed) end(() => resolve(found));
        // The run has reported why.
        else if (wasRunning && !isRunning) end(() => reject(new Cancelled()));
        wasRunning ||= isRunning;
      };
      const abort = (): void => end(() => reject(signal.reason));
      signal.addEventListener('abort', abort);
      stops.push(
        runs.onChange(() => void look()),
        link.onChange(() => void look()),
        () => signal.removeEventListener('abort', abort),
      );
      if (signal.aborted) abort();
      else void look();
    });
  }

  /** The operations that the app describes. `mayWait`: also if a runner has to start for the answer. */
  async function operations(
    target: Found,
    { mayWait, signal }: { readonly mayWait: boolean; readonly signal: AbortSignal },
  ): Promise<readonly Operation[]> {
    const { owner, alias, isDeployed, isReady } = target;
    if (isDeployed) {
      const metadata = await json('api', `/applications/${owner}/${alias}/metadata`, signal);
      const stored = operationsOf(isObject(metadata) ? metadata.openapi : undefined);
      if (stored.length > 0) return stored;
    }
    if (!isReady && !mayWait) return [];
    return operationsOf(await json('run', `/${owner}/${alias}/openapi.json`, signal, mayWait ? '1' : 'ready'));
  }

  async function json(
    host: 'api' | 'run',
    path: string,
    signal: AbortSignal,
    unlisted: '1' | 'ready' = '1',
  ): Promise<Json | undefined> {
    const response = await send(link.folder, { host, method: 'GET', path, unlisted }, signal);
    const text = await readText(response);
    return response.status === 200 ? tryParse(text) : undefined;
  }

  return { codeOf, find, started, restarted, operations };
}

export type Targets = ReturnType<typeof createTargets>;
