import * as vscode from 'vscode';
import type { Link } from '../target/link.ts';
import { changedRows } from './changes.ts';
import { type Row, ticks, toItems } from './items.ts';

/** What the editor holds of a row: always the same object for the same id. */
export interface Element {
  readonly id: string;
}

const tickMs = 1_000;

/** Feeds the view "Apps" from the link's snapshots; ages tick once a second while it is seen. */
export function createAppsView(deps: {
  readonly link: Link;
  readonly view: Pick<vscode.TreeView<Element>, 'visible' | 'onDidChangeVisibility'>;
  readonly changed: (element: Element | undefined) => void;
}) {
  const { link, view, changed } = deps;
  const elements = new Map<string, Element>();
  let rows: readonly Row[] = toItems(link.snapshot(), Date.now());
  let known = index(rows);
  let ticking: NodeJS.Timeout | undefined;

  function update(): void {
    const next = toItems(link.snapshot(), Date.now());
    const ids = changedRows(rows, next);
    rows = next;
    known = index(next);
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
    getParent(element: Element): Element | undefined {
      const parent = known.get(element.id)?.parent;
      return parent && elementOf(parent);
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
  item.tooltip = row.tooltip;
  item.contextValue = `minifal.${row.kind}`;
  item.accessibilityInformation = { label: row.spoken };
  return item;
}
