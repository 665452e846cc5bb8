import * as vscode from 'vscode';
import type { Runs } from '../commands/runs.ts';
import { codeHash, type StartedCode } from '../commands/started-code.ts';
import { commandId } from '../contributes/commands.ts';
import { readSettings } from '../settings.ts';
import type { Endpoint, FoundApp } from '../target/app-code.ts';
import type { Link } from '../target/link.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import type { OpenFiles } from '../workspace/open-files.ts';
import { type AppFacts, appFacts } from './facts.ts';
import { type Lens, lensesOf } from './lenses.ts';
import { changedIn, endpointOf, keysOf, placesOf, withChanges, withDeploy, withExpectedRun } from './places.ts';
import { newsMs } from './reload-text.ts';
import { endpointText, stateText } from './state-text.ts';

/** States may change many times a second; texts are drawn at most this often. */
const redrawMs = 200;
/**
 * The editor drops the news of a change if the focus leaves it within the editor's own delay, so it is asked again if
 * it hasn't fetched the texts by then. Not without end: a setting can hide all lenses.
 */
const askAgainMs = 1_000;
const maxAsks = 5;

/** The lenses of apps and endpoints in Python files. */
export function createCodeLenses(deps: {
  readonly link: Link;
  readonly index: AppIndex;
  readonly openFiles: OpenFiles;
  readonly runs: Runs;
  readonly startedCode: Pick<StartedCode, 'of'>;
  /** Lets the editor ask again. */
  readonly changed: () => void;
}) {
  const { link, index, openFiles, runs, startedCode, changed } = deps;
  /** The texts that each document shows, to redraw only when one of them changes. */
  const shown = new Map<string, { readonly document: vscode.TextDocument; readonly texts: string }>();
  let facts: ReadonlyMap<string, AppFacts> = new Map();
  let redrawing: NodeJS.Timeout | undefined;
  let asking: NodeJS.Timeout | undefined;
  let asks = 0;
  let aging: NodeJS.Timeout | undefined;

  async function lenses(document: vscode.TextDocument): Promise<readonly Lens[]> {
    const { live } = link.snapshot();
    facts = live ? appFacts(live, Date.now()) : new Map();
    const path = document.uri.fsPath;
    const hashNow = await codeHash(path);
    const places = (app: FoundApp) => {
      const all = withChanges(placesOf(path, app, index.known(), facts, runs), startedCode.of, hashNow);
      const keys = keysOf(path, app, index.known());
      return withDeploy(withExpectedRun(all, runs.isExpected(keys)), runs.isDeploying(keys));
    };
    return lensesOf(path, await openFiles.apps(document), {
      state: (app) => stateText(places(app), timeOf, Date.now()),
      changed: (app) => changedIn(places(app)),
      endpoint: (app, endpoint: Endpoint) => endpointText(endpoint, endpointOf(places(app), endpoint.path)),
    });
  }

  async function provide(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    if (!readSettings(document.uri).codeLens || !vscode.workspace.isTrusted) return [];
    void index.apps(); // starts the search once: a base class may be in another file
    // What changes from now on is asked for again.
    clearTimeout(asking);
    asking = undefined;
    const found = await lenses(document);
    shown.set(document.uri.toString(), { document, texts: textsOf(found) });
    return found.map(({ line, title, action }) => {
      const command = action ? commandId(action.command) : '';
      const range = new vscode.Range(line, 0, line, 0);
      return new vscode.CodeLens(range, { title, command, arguments: action ? [action.argument] : [] });
    });
  }

  /** Asks the editor to draw again if a text of a document on screen has changed. */
  async function redraw(): Promise<void> {
    clearTimeout(redrawing);
    redrawing = undefined;
    const visible = new Set(vscode.window.visibleTextEditors.map(({ document }) => document));
    for (const [key, { document, texts }] of shown) {
      if (document.isClosed) shown.delete(key);
      else if (visible.has(document) && textsOf(await lenses(document)) !== texts) return ask();
    }
  }

  /** Nothing while the editor has yet to fetch the texts: each call would put that off. */
  function ask(): void {
    if (asking) return;
    changed();
    if (++asks === maxAsks) return;
    asking = setTimeout(() => {
      asking = undefined;
      void redraw();
    }, askAgainMs);
  }

  function soon(): void {
    asks = 0;
    if (shown.size > 0) redrawing ??= setTimeout(() => void redraw(), redrawMs);
  }

  /** What became of a save is news for a while. */
  function changedState(): void {
    const { live } = link.snapshot();
    const ages = [...(live?.apps.values() ?? [])].map(({ reload }) => Date.now() - (reload?.at ?? 0));
    const youngest = Math.min(...ages);
    clearTimeout(aging);
    if (youngest < newsMs) aging = setTimeout(soon, newsMs - youngest + redrawMs);
    soon();
  }

  const unsubscribe = [link.onChange(changedState), runs.onChange(soon)];
  const disposables = [
    index.onDidChange(soon),
    vscode.workspace.onDidSaveTextDocument(soon),
    vscode.window.onDidChangeVisibleTextEditors(soon),
    vscode.workspace.onDidGrantWorkspaceTrust(changed),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('minifal.codeLens')) changed();
    }),
  ];

  return {
    provide,
    /** A text may be another one now. */
    soon,
    close() {
      clearTimeout(redrawing);
      clearTimeout(asking);
      clearTimeout(aging);
      for (const stop of unsubscribe) stop();
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

function textsOf(lenses: readonly Lens[]): string {
  return lenses.map(({ title }) => title).join('\n');
}

function timeOf(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}
