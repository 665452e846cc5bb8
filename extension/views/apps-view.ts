import * as vscode from 'vscode';
import type { SetContext } from '../contexts.ts';
import { commandId } from '../contributes/commands.ts';
import type { RowContext } from '../contributes/contexts.ts';
import type { Link } from '../target/link.ts';
import { changedRows } from './changes.ts';
import { appRowId, endedRunners, type Fact, type Row, runnerOf, ticks, toItems } from './items.ts';
import { plainMarkdown } from './markdown.ts';

/** The editor's handle of a row: always the same object for the same id. */
export interface Element {
  readonly id: string;
}

const tickMs = 1_000;

/** Fills the view "Apps" from the link's snapshots. Ages are updated once a second while it is visible. */
export function createAppsView(deps: {
  readonly link: Link;
  readonly view: Pick<vscode.TreeView<Element>, 'visible' | 'onDidChangeVisibility' | 'message'>;
  readonly changed: (element: Element | undefined) => void;
  readonly setContext: SetContext;
}) {
  const { link, view, changed, setContext } = deps;
  const elements = new Map<string, Element>();
  /** Ended runners that the user cleared from the view. The emulator's history keeps them. */
  const cleared = new Set<string>();
  let rows: readonly Row[] = toItems(link.snapshot(), Date.now());
  let known = index(rows);
  let ticking: NodeJS.Timeout | undefined;

  function update(): void {
    const snapshot = link.snapshot();
    const next = toItems(snapshot, Date.now(), cleared);
    const ids = changedRows(rows, next);
    rows = next;
    known = index(next);
    const note = snapshot.live?.head.trouble ?? (snapshot.last && snapshot.why) ?? '';
    if ((view.message ?? '') !== note) view.message = note;
    setContext('hasEnded', endedRunners(next).length > 0);
    const current = new Set((snapshot.live ?? snapshot.last)?.runners.keys());
    for (const id of cleared) if (!current.has(id)) cleared.delete(id);
    for (const id of elements.keys()) if (!known.has(id)) elements.delete(id);
    for (const id of ids) {
      if (id === undefined) changed(undefined);
      else if (elements.has(id)) changed(elements.get(id));
    }
    tick();
  }

  function tick(): void {
    const wanted = view.visible && ticks(rows);
    if (wanted === (ticking !== undefined)) return;
    clearInterval(ticking);
    ticking = wanted ? setInterval(update, tickMs) : undefined;
  }

  const unsubscribe = link.onChange(update);
  const seen = view.onDidChangeVisibility(update);
  tick();

  const elementOf = ({ id }: Row): Element => {
    const element = elements.get(id) ?? { id };
    elements.set(id, element);
    return element;
  };
  return {
    getChildren: (element?: Element): Element[] =>
      (element ? (known.get(element.id)?.row.children ?? []) : rows).map(elementOf),
    getTreeItem(element: Element): vscode.TreeItem {
      const found = known.get(element.id);
      return found ? treeItem(found.row) : new vscode.TreeItem('');
    },
    resolveTreeItem(item: vscode.TreeItem, element: Element): vscode.TreeItem {
      const found = known.get(element.id);
      if (found) item.tooltip = tooltip(found.row.facts);
      return item;
    },
    getParent(element: Element): Element | undefined {
      const parent = known.get(element.id)?.parent;
      return parent && elementOf(parent);
    },
    /** The row of the app with this name, if the view shows it. */
    app(alias: string): Element | undefined {
      const row = rows.find(({ id }) => id === appRowId(alias));
      return row && elementOf(row);
    },
    /** Clears ended runners from the view: all, or those of the given rows. Returns their number. */
    clearEnded(of?: readonly Element[]): number {
      const ended = endedRunners(rows);
      const wanted = of ? ended.filter((id) => of.some((element) => runnerOf(element.id) === id)) : ended;
      for (const id of wanted) cleared.add(id);
      update();
      return wanted.length;
    },
    close() {
      unsubscribe();
      seen.dispose();
      clearInterval(ticking);
    },
  };
}

function index(
  rows: readonly Row[],
  parent?: Row,
): Map<string, { readonly row: Row; readonly parent: Row | undefined }> {
  return new Map(rows.flatMap((row) => [[row.id, { row, parent }] as const, ...index(row.children, row)]));
}

function treeItem(row: Row): vscode.TreeItem {
  const collapsible = row.children.length > 0 ? 'Expanded' : 'None';
  const item = new vscode.TreeItem(row.label, vscode.TreeItemCollapsibleState[collapsible]);
  item.id = row.id;
  item.description = row.description;
  item.iconPath = new vscode.ThemeIcon(
    row.icon,
    row.color === undefined ? undefined : new vscode.ThemeColor(row.color),
  );
  item.contextValue = `minifal.${row.kind}${row.isEnded ? '.ended' : ''}` satisfies RowContext;
  if (row.command) item.command = { command: commandId(row.command), title: row.label };
  item.accessibilityInformation = { label: row.spoken };
  return item;
}

/** Created when the tooltip is shown. */
function tooltip(facts: readonly Fact[]): vscode.MarkdownString {
  const lines = facts.map(({ name, text, url }) => {
    const value = url === undefined ? plainMarkdown(text) : `<${url}>`;
    return name === '' ? value : `**${name}:** ${value}`;
  });
  return new vscode.MarkdownString(lines.join('  \n'));
}
