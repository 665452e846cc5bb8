import * as vscode from 'vscode';
import { askStacks } from '../target/debug.ts';
import type { Link } from '../target/link.ts';
import type { NameOf } from '../views/app-names.ts';
import { clockTime } from '../views/row.ts';
import { elementsOf } from '../views/row-view.ts';
import { t } from '../words.ts';
import type { DebugPaths } from './paths.ts';
import { stacksScheme as scheme } from './stacks-scheme.ts';
import { stackLinks, stacksText } from './stacks-text.ts';

/** Shows what the threads of runners do, at the moment of the question. */
export function createStacks(deps: {
  readonly link: Link;
  readonly appNames: () => NameOf;
  /** Where the code of a runner is. */
  readonly pathsOf: (runner: string) => DebugPaths;
  readonly pickRunner: (title: string) => Promise<readonly string[]>;
  /** The document has another text. */
  readonly changed: (uri: vscode.Uri) => void;
}) {
  async function textOf({ query: id }: vscode.Uri): Promise<string> {
    const { link } = deps;
    const stacks = await askStacks(link.folder, id);
    if (!stacks)
      return `${t('Nothing is known: the runner has ended, is busy in native code or runs a plain function.')}\n`;
    const runner = link.snapshot().live?.runners.get(id);
    const name = runner ? t('runner {0} of {1}', runner.number, deps.appNames()(runner.alias, runner.appName)) : id;
    const requests = [...(link.snapshot().live?.requests.values() ?? [])];
    const requestOf = (request: string): string => {
      const found = requests.find((one) => one.id === request);
      return found ? `#${found.number}` : request;
    };
    return stacksText(stacks, { runner: name, at: clockTime(Date.now()), requestOf });
  }

  async function show(element: unknown): Promise<boolean> {
    const [row] = elementsOf(element, undefined);
    const id = row?.runner ?? (await deps.pickRunner(t('Select a Runner')))[0];
    if (id === undefined) return false;
    const uri = vscode.Uri.from({ scheme, path: `/stacks-${id.slice(0, 8)}.txt`, query: id });
    deps.changed(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
    return true;
  }

  function links(document: vscode.TextDocument): vscode.DocumentLink[] {
    const { toEditor } = deps.pathsOf(document.uri.query);
    return stackLinks(document.getText()).map(({ row, start, end, file, line }) => {
      const target = vscode.Uri.file(toEditor(file)).with({ fragment: `L${line}` });
      return new vscode.DocumentLink(new vscode.Range(row, start, row, end), target);
    });
  }

  return { textOf, show, links };
}
