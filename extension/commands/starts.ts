import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import { askStart } from '../target/starts.ts';
import type { Row } from '../views/row.ts';
import { elementsOf } from '../views/row-view.ts';
import { startHover } from '../views/start-hover.ts';
import { nameOf, startText, startTrace } from '../views/start-text.ts';
import { t } from '../words.ts';
import { startScheme as scheme } from './start-scheme.ts';

/** Shows and exports how the starts of runners went. */
export function createStartCommands(deps: {
  readonly folder: string;
  readonly present: Presenter;
  /** The id of the runner that the user picks; empty: none. */
  readonly pickRunner: (title: string) => Promise<readonly string[]>;
  /** The document has another text. */
  readonly changed: (uri: vscode.Uri) => void;
}) {
  const isUnknown = () => t('This runner is no longer in the history of the emulator, or no emulator is running.');

  async function chosen(element: unknown, title: string): Promise<string | undefined> {
    return elementsOf(element, undefined)[0]?.runner ?? (await deps.pickRunner(title))[0];
  }

  async function textOf({ query: id }: vscode.Uri): Promise<string> {
    const start = await askStart(deps.folder, id);
    return start ? startText(start) : `${isUnknown()}\n`;
  }

  async function show(element: unknown): Promise<boolean> {
    const id = await chosen(element, t('Select a Runner'));
    if (id === undefined) return false;
    const start = await askStart(deps.folder, id);
    const name = start ? t('Start of runner {0} of {1}', start.number, nameOf(start)) : t('Start');
    // Not Markdown, of which the editor wraps long lines: those of the table would be broken.
    const uri = vscode.Uri.from({ scheme, path: `/${name.replaceAll('/', ' ')}.txt`, query: id });
    deps.changed(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
    return true;
  }

  async function exportTrace(element: unknown): Promise<boolean> {
    const id = await chosen(element, t('Select a Runner'));
    if (id === undefined) return false;
    const start = await askStart(deps.folder, id);
    if (!start) {
      deps.present.problem(new Problem(isUnknown()));
      return false;
    }
    const name = `start-${nameOf(start).replaceAll(/[^\w.-]+/g, '-')}-runner-${start.number}.json`;
    const base = vscode.workspace.workspaceFolders?.[0]?.uri;
    const target = await vscode.window.showSaveDialog({
      ...(base ? { defaultUri: vscode.Uri.joinPath(base, name) } : {}),
      filters: { [t('Trace')]: ['json'] },
    });
    if (!target) return false;
    await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(startTrace(start)));
    return true;
  }

  /** What the tooltip of a runner's row says of its start. */
  async function hoverOf({ about }: Row): Promise<string> {
    const start = about?.runner === undefined ? undefined : await askStart(deps.folder, about.runner);
    return start ? startHover(start) : '';
  }

  return { show, exportTrace, textOf, hoverOf };
}
