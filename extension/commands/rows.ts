import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import { callEmulator } from '../target/requests.ts';
import type { Snapshot } from '../target/snapshot.ts';
import type { NameOf } from '../views/app-names.ts';
import { type Element, elementsOf } from '../views/row-view.ts';
import { t } from '../words.ts';

/** What the keys and menus of all views do with rows. */
export function createRowCommands(deps: {
  readonly folder: string;
  readonly present: Presenter;
  readonly openRequest: (element: unknown) => Promise<boolean>;
  readonly showApp: (alias: string) => Promise<void>;
  readonly cancelRequests: (element: unknown, selection: unknown) => Promise<number>;
  readonly removeSecrets: (element: unknown, selection: unknown) => Promise<number>;
  /** The id of the runner that the user picks; empty: none. */
  readonly pickRunner: (title: string) => Promise<readonly string[]>;
  readonly clearEnded: (of: readonly Element[]) => number;
  readonly isEnded: (element: Element) => boolean;
  /** The rows that a key acts on in a view, by its name; the focused one first. */
  readonly rowsOfKey: (name: unknown) => Promise<readonly Element[]>;
}) {
  /**
   * Opens what the row is about: a request, a line of code, or an address of the emulator. Another row is folded or
   * unfolded.
   */
  async function open(argument: unknown): Promise<boolean> {
    const [element] = [...(await deps.rowsOfKey(argument)), ...elementsOf(argument, undefined)];
    if (!element) return false;
    const { rowId, file, line = 0, request, endpoint, url } = element;
    if (rowId.startsWith('address/') && url !== undefined) {
      // Where the editor is a web page, or on another machine, it forwards the port.
      const address = await vscode.env.asExternalUri(vscode.Uri.parse(url));
      return vscode.env.openExternal(address);
    }
    if (request !== undefined && !endpoint) return deps.openRequest(element);
    if (file === undefined) {
      // The key acts on the list, which has the focus; a link doesn't.
      if (typeof argument === 'string') await vscode.commands.executeCommand('list.toggleExpand');
      else if (element.alias !== undefined) await deps.showApp(element.alias);
      return false;
    }
    const selection = new vscode.Range(line, 0, line, 0);
    await vscode.window.showTextDocument(vscode.Uri.file(file), { selection });
    return true;
  }

  async function copy(argument: unknown, selection: unknown, of: 'id' | 'url'): Promise<boolean> {
    const texts = elementsOf(argument, selection).flatMap((element) => element[of] ?? []);
    if (texts.length === 0) return false;
    await vscode.env.clipboard.writeText(texts.join('\n'));
    return true;
  }

  async function stopRunners(argument: unknown, selection: unknown): Promise<number> {
    const given = elementsOf(argument, selection).flatMap(({ runner }) => runner ?? []);
    const runners = given.length > 0 ? given : await deps.pickRunner(t('Select a Runner to Stop'));
    const answers = await Promise.all(
      runners.map((id) =>
        callEmulator(deps.folder, { port: 'api', method: 'POST', path: `/minifal/runners/${id}/stop` }),
      ),
    );
    const stopped = answers.filter((status) => status !== undefined && status < 300).length;
    if (stopped < answers.length) deps.present.problem(new Problem(t('A runner could not be stopped.')));
    return stopped;
  }

  /**
   * Ends what the selected rows are about: a runner is stopped, a request is cancelled, an ended runner is cleared,
   * a secret is removed.
   */
  async function end(name: unknown): Promise<void> {
    const all = await deps.rowsOfKey(name);
    const of = (prefix: string) => all.filter(({ rowId }) => rowId.startsWith(prefix));
    const requests = of('request/');
    if (requests.length > 0) await deps.cancelRequests(undefined, requests);
    const secrets = of('secret/');
    if (secrets.length > 0) await deps.removeSecrets(undefined, secrets);
    const runners = of('runner/');
    const ended = runners.filter((element) => deps.isEnded(element));
    if (ended.length + of('ended/').length > 0) deps.clearEnded([...ended, ...of('ended/')]);
    const living = runners.filter((element) => !deps.isEnded(element));
    if (living.length > 0) await stopRunners(undefined, living);
  }

  return { open, copy, stopRunners, end };
}

export async function pickRunner(
  { live }: Pick<Snapshot, 'live'>,
  title: string,
  nameOf: NameOf,
): Promise<readonly string[]> {
  const living = [...(live?.runners.values() ?? [])].filter(({ endedAt }) => endedAt === null);
  const items = living.map(({ id, number, alias, appName }) => ({
    label: t('runner {0}', number),
    description: nameOf(alias, appName),
    id,
  }));
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
  return picked ? [picked.id] : [];
}
