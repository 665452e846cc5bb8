import * as vscode from 'vscode';
import { commandId } from '../contributes/commands.ts';
import type { Link } from '../target/link.ts';
import { askRequest, type RequestFacts } from '../target/requests.ts';
import { describeRequest, type FoundLink, findLinks } from '../views/links.ts';
import { t } from '../words.ts';

/** A link that the editor shows, with the match that it was made from. */
export interface TerminalLink extends vscode.TerminalLink {
  readonly found: FoundLink;
}

/** Links for apps and requests of the running emulator, in any terminal. Inactive while no emulator is running. */
export function createTerminalLinks(deps: {
  readonly link: Link;
  readonly showApp: (alias: string) => Thenable<void>;
}) {
  const { link, showApp } = deps;

  async function provide({ line }: vscode.TerminalLinkContext): Promise<TerminalLink[]> {
    const { running } = link.snapshot();
    if (!running) return [];
    const { api, run, queue } = running.ports;
    const links = await Promise.all(
      findLinks(line, [run, queue, api]).map(async (found): Promise<readonly TerminalLink[]> => {
        const { start: startIndex, length } = found;
        if (found.kind === 'app')
          return [{ startIndex, length, tooltip: t('Open or copy the URL of {0}', found.alias), found }];
        // Any program may print such ids: only ids of our requests become links.
        const facts = await askRequest(link.folder, found.id);
        return facts ? [{ startIndex, length, tooltip: describeRequest(facts), found }] : [];
      }),
    );
    return links.flat();
  }

  async function showRequest(id: string): Promise<void> {
    const facts = await askRequest(link.folder, id);
    if (!facts) {
      void vscode.window.setStatusBarMessage(t("This request is no longer in the emulator's history."), 5_000);
      return;
    }
    await showFacts(facts);
  }

  async function showFacts(facts: RequestFacts): Promise<void> {
    const [copy, log, app] = [t('Copy Request ID'), t('Show Log'), t('Show App')];
    const answer = await vscode.window.showInformationMessage(describeRequest(facts), copy, app, log);
    if (answer === copy) await vscode.env.clipboard.writeText(facts.requestId);
    if (answer === app) await showApp(facts.alias);
    if (answer === log) await vscode.commands.executeCommand(commandId('showLog'), { requestId: facts.requestId });
  }

  async function showAddress(url: string, alias: string): Promise<void> {
    const items = [
      { label: `$(copy) ${t('Copy URL')}`, run: () => vscode.env.clipboard.writeText(url) },
      { label: `$(link-external) ${t('Open in Browser')}`, run: () => openOutside(url) },
      { label: `$(list-tree) ${t('Show in View')}`, run: () => showApp(alias) },
    ];
    const picked = await vscode.window.showQuickPick(items, { title: url });
    await picked?.run();
  }

  return {
    provide,
    /** Asks the user for an action, and performs it. */
    handle: ({ found }: TerminalLink): Promise<void> =>
      found.kind === 'app' ? showAddress(found.url, found.alias) : showRequest(found.id),
  };
}

/** The address for the user's browser, which differs from the local one when the editor is remote. */
async function openOutside(url: string): Promise<void> {
  await vscode.env.openExternal(await vscode.env.asExternalUri(vscode.Uri.parse(url)));
}
