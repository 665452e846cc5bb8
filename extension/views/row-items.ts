import * as vscode from 'vscode';
import { type CommandName, commandId } from '../contributes/commands.ts';
import type { RowContext } from '../contributes/contexts.ts';
import { tooltipText } from './markdown.ts';
import type { Fact, Row } from './row.ts';
import type { Element, RowView } from './row-view.ts';

const goneScheme = 'minifal-gone';

/**
 * The second argument of a command that a click runs. As in the Explorer, the list keeps the focus, so that Shift+Down
 * selects more rows and Delete acts on them; the key Enter moves into the document.
 */
export const fromClick = 'click';

/** What a click on a row does: those that are documents, and those that only act. A click selects any other row. */
const opens: Partial<Record<Row['kind'], CommandName>> = {
  action: 'startEmulator',
  older: 'loadOlderRequests',
  'request.waiting': 'openRequest',
  'request.running': 'openRequest',
  'request.done': 'openRequest',
  'request.direct': 'openRequest',
};

/**
 * The rows of a view in the editor's terms. `more`: Markdown below the facts of a tooltip, asked for when that is
 * shown.
 */
export function treeOf(
  { getChildren, getParent, rowOf }: RowView,
  more: (row: Row) => Promise<string> = async () => '',
) {
  return {
    getChildren,
    getParent,
    getTreeItem(element: Element): vscode.TreeItem {
      const row = rowOf(element);
      return row ? treeItem(row, element, opens[row.kind]) : new vscode.TreeItem('');
    },
    async resolveTreeItem(item: vscode.TreeItem, element: Element): Promise<vscode.TreeItem> {
      const row = rowOf(element);
      if (row) item.tooltip = tooltip(row.facts, await more(row));
      return item;
    },
  };
}

export type Tree = ReturnType<typeof treeOf>;

/** Draws the labels of rows grey whose emulator was killed. */
export function greyGoneRows(): vscode.Disposable {
  return vscode.window.registerFileDecorationProvider({
    provideFileDecoration: ({ scheme }) =>
      scheme === goneScheme ? { color: new vscode.ThemeColor('disabledForeground') } : undefined,
  });
}

function treeItem(row: Row, element: Element, command: CommandName | undefined): vscode.TreeItem {
  const collapsible = row.children.length === 0 ? 'None' : row.isFolded ? 'Collapsed' : 'Expanded';
  const item = new vscode.TreeItem(row.label, vscode.TreeItemCollapsibleState[collapsible]);
  item.id = row.id;
  item.description = row.description;
  const color = row.isGone ? 'disabledForeground' : row.color;
  item.iconPath = new vscode.ThemeIcon(row.icon, color === undefined ? undefined : new vscode.ThemeColor(color));
  item.contextValue = `minifal.${row.kind}${row.isGone ? '.gone' : ''}` satisfies RowContext;
  if (row.isGone) item.resourceUri = vscode.Uri.from({ scheme: goneScheme, path: `/${encodeURIComponent(row.id)}` });
  if (command) item.command = { command: commandId(command), title: '', arguments: [element, fromClick] };
  item.accessibilityInformation = { label: row.spoken };
  return item;
}

/** Commands that a tooltip may have links to. What an app says is escaped, so that it has none. */
const linked: readonly CommandName[] = ['showStart', 'exportStart'];

/** Created when the tooltip is shown. */
function tooltip(facts: readonly Fact[], more: string): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString(tooltipText(facts, more));
  if (more !== '') markdown.isTrusted = { enabledCommands: linked.map(commandId) };
  return markdown;
}
