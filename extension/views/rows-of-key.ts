import type * as vscode from 'vscode';
import type { Element } from './row-view.ts';

/**
 * The rows that a key acts on, the focused one first: all that are selected if it is one of them, otherwise it alone,
 * as in the editor's own lists. Arrow keys move only the focus, and an extension can't ask which row has it; so this is
 * the row whose selection changes with `toggle`, the editor's command for the focused row.
 */
export async function rowsOfKey(
  view: Pick<vscode.TreeView<Element>, 'selection' | 'reveal'>,
  toggle: () => Thenable<unknown>,
): Promise<readonly Element[]> {
  const before = view.selection;
  await toggle();
  const after = view.selection;
  const added = after.find((one) => !before.includes(one));
  if (added) {
    if (before.length > 0) await view.reveal(added, { select: true, focus: true });
    return [added];
  }
  const removed = before.find((one) => !after.includes(one));
  if (!removed) return before;
  await toggle();
  return [removed, ...before.filter((one) => one !== removed)];
}
