import type { SetContext } from '../contexts.ts';
import type { Link } from '../target/link.ts';
import type { AppIndex, WorkspaceApp } from '../workspace/app-index.ts';
import { appKey } from '../workspace/code/listed.ts';
import type { CodeFile, FoundApp } from './code-rows.ts';
import { endedRunners, toItems } from './items.ts';
import { appRowId } from './row.ts';
import { createRowView, type Element, type RowTree } from './row-view.ts';

/** Fills the view "Apps" from the emulator's state, the apps in the code, and the runs of this window. */
export function createAppsView(deps: {
  readonly link: Link;
  readonly index: Pick<AppIndex, 'known' | 'broken' | 'onDidChange'>;
  readonly runs: {
    aliasesOf(key: string): readonly (string | undefined)[];
    isExpected(keys: readonly string[]): boolean;
    isDeploying(keys: readonly string[]): boolean;
    hasEndedAlone(keys: readonly string[]): boolean;
    onChange(listener: () => void): () => void;
  };
  readonly view: RowTree;
  readonly changed: (elements: Element[] | undefined) => void;
  readonly setContext: SetContext;
  /** The folder is trusted, and has a Python for fal. */
  readonly canRun: () => boolean;
}) {
  const { link, index, runs, view, changed, setContext, canRun } = deps;
  /** Ended runners that the user cleared from the view. The emulator's history keeps them. */
  const cleared = new Set<string>();
  const clearedCounts = new Map<string, number>();
  /** The app of each run so far: its row stays for a while after the run has ended. */
  const runApps = new Map<string, FoundApp>();
  let broken: readonly CodeFile[] = [];
  let isCodeNew = true;

  const tree = createRowView({
    view,
    changed,
    rows() {
      const found = index.known().map(foundApp).map(withWork);
      for (const app of found) for (const alias of runs.aliasesOf(app.key)) if (alias) runApps.set(alias, app);
      const snapshot = link.snapshot();
      return toItems({ snapshot, found, broken, canRun: canRun(), runs: runApps, cleared, clearedCounts }, Date.now());
    },
    onRows: (rows) => setContext('hasEnded', endedRunners(rows).length > 0),
  });

  function withWork(app: FoundApp): FoundApp {
    if (runs.isDeploying([app.key])) return { ...app, begun: 'deploying' };
    const isStarting = runs.isExpected([app.key]) || runs.aliasesOf(app.key).length > 0;
    if (isStarting) return { ...app, begun: 'starting' };
    return runs.hasEndedAlone([app.key]) ? { ...app, hasEndedAlone: true } : app;
  }

  function update(): void {
    const { live, last, why } = link.snapshot();
    const note = live?.head.trouble ?? why ?? '';
    if ((view.message ?? '') !== note) view.message = note;
    const current = (live ?? last)?.runners;
    for (const id of cleared) if (!current?.has(id)) cleared.delete(id);
    forgetRuns();
    if (view.visible && isCodeNew && (live || canRun())) void lookForBroken();
    tree.update();
  }

  function forgetRuns(): void {
    if (runApps.size === 0) return;
    const { live, last } = link.snapshot();
    // The next emulator has the runs that ended with this one.
    if (!live && !last) return;
    const { apps, runners } = live ?? last ?? {};
    const known = new Set([...(apps?.keys() ?? []), ...[...(runners?.values() ?? [])].map(({ alias }) => alias)]);
    for (const alias of runApps.keys()) if (!known.has(alias)) runApps.delete(alias);
  }

  async function lookForBroken(): Promise<void> {
    isCodeNew = false;
    const found = await index.broken();
    broken = found.map(({ uri, file, line, why }) => ({ path: uri.fsPath, file, line, why }));
    tree.update();
  }

  const unsubscribe = [link.onChange(update), runs.onChange(update)];
  const disposables = [
    index.onDidChange(() => {
      isCodeNew = true;
      update();
    }),
    view.onDidChangeVisibility(update),
  ];
  update();

  return {
    ...tree,
    update,
    /** The row of the app with this name, if the view shows it. */
    app: (alias: string): Element | undefined => tree.find(appRowId(alias)),
    /** Clears ended runners from the view: all, or those of the given rows. Returns their number. */
    clearEnded(of?: readonly Element[]): number {
      const wanted = of
        ? of.flatMap((element) => endedRunners([tree.rowOf(element)].filter((row) => row !== undefined)))
        : endedRunners(tree.rows());
      for (const id of wanted) {
        cleared.add(id);
        const alias = link.snapshot().live?.runners.get(id)?.alias;
        if (alias !== undefined) clearedCounts.set(alias, (clearedCounts.get(alias) ?? 0) + 1);
      }
      // Clearing all includes those that the view doesn't list.
      if (!of)
        for (const { alias, ended } of link.snapshot().live?.apps.values() ?? []) clearedCounts.set(alias, ended.count);
      tree.update();
      return wanted.length;
    },
    close() {
      for (const stop of unsubscribe) stop();
      for (const disposable of disposables) disposable.dispose();
      tree.close();
    },
  };
}

function foundApp(app: WorkspaceApp): FoundApp {
  const { label, name, kind, appName, file, code, entry, uri, line } = app;
  const endpoints = code && 'endpoints' in code ? code.endpoints : [];
  return {
    key: appKey(app),
    label,
    name,
    kind,
    appName,
    path: uri.fsPath,
    file,
    line,
    endpoints: endpoints.flatMap((one) =>
      one.path === undefined ? [] : [{ kind: one.kind, path: one.path, line: one.line }],
    ),
    ...(entry ? { entry: entry.name } : {}),
  };
}
