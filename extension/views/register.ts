import * as vscode from 'vscode';
import { type ViewName, viewId } from '../contributes/views.ts';
import type { Tree } from './row-items.ts';
import type { Element } from './row-view.ts';

/** A view of the editor, and how its rows are drawn again; `undefined`: all of them. */
export interface RegisteredView {
  readonly view: vscode.TreeView<Element>;
  readonly changed: (elements: Element[] | undefined) => void;
}

export type RegisteredViews = { readonly [N in ViewName]: RegisteredView };

/** Registers the views. Their rows are asked for when a view is shown for the first time. */
export function registerViews(rowsOf: (name: ViewName) => Promise<Tree>) {
  const disposables: vscode.Disposable[] = [];
  function register(name: ViewName): RegisteredView {
    const changes = new vscode.EventEmitter<Element[] | undefined>();
    const view = vscode.window.createTreeView<Element>(viewId(name), {
      treeDataProvider: {
        onDidChangeTreeData: changes.event,
        getChildren: async (element) => (await rowsOf(name)).getChildren(element),
        getTreeItem: async (element) => (await rowsOf(name)).getTreeItem(element),
        resolveTreeItem: async (item, element) => (await rowsOf(name)).resolveTreeItem(item, element),
        getParent: async (element) => (await rowsOf(name)).getParent(element),
      },
      showCollapseAll: name === 'apps',
      canSelectMany: true,
    });
    disposables.push(view, changes);
    return { view, changed: (elements) => changes.fire(elements) };
  }
  const views: RegisteredViews = {
    apps: register('apps'),
    requests: register('requests'),
    emulator: register('emulator'),
  };
  return { views, disposables };
}
