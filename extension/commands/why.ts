import * as vscode from 'vscode';
import type { Snapshot } from '../target/snapshot.ts';
import { askWhy } from '../target/why.ts';
import type { NameOf } from '../views/app-names.ts';
import { elementsOf } from '../views/row-view.ts';
import { subjectName, whyText } from '../views/why-text.ts';
import { t } from '../words.ts';
import { whyScheme as scheme } from './why-scheme.ts';

/** Shows why a request, a runner or an app waits, or how it is, in a read-only document. */
export function createWhy(deps: {
  readonly folder: string;
  readonly snapshot: () => Snapshot;
  readonly nameOf: NameOf;
  /** The document has another text. */
  readonly changed: (uri: vscode.Uri) => void;
}) {
  const { folder, nameOf } = deps;

  async function textOf({ query: id }: vscode.Uri): Promise<string> {
    const diagnosis = await askWhy(folder, id);
    if (!diagnosis) return `${t('The emulator no longer knows this, or no emulator is running.')}\n`;
    return whyText(diagnosis, nameOf(diagnosis.subject.alias));
  }

  async function show(element: unknown): Promise<boolean> {
    const { request, runner, alias } = elementsOf(element, undefined)[0] ?? {};
    const given = request === undefined ? (runner ?? alias) : String(request);
    const id = given ?? (await pick());
    if (id === undefined) return false;
    const diagnosis = await askWhy(folder, id);
    const name = diagnosis ? t('State of {0}', subjectName(diagnosis, nameOf(diagnosis.subject.alias))) : t('State');
    const uri = vscode.Uri.from({ scheme, path: `/${name.replaceAll('/', ' ')}.md`, query: id });
    deps.changed(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
    return true;
  }

  /** A request that isn't finished, a runner or an app. */
  async function pick(): Promise<string | undefined> {
    const { requests, runners, apps } = deps.snapshot().live ?? {};
    const open = [...(requests?.values() ?? [])].filter(({ phase }) => phase !== 'COMPLETED');
    const living = [...(runners?.values() ?? [])].filter(({ endedAt }) => endedAt === null);
    const items = [
      ...open.map(({ number, alias, appName }) => ({
        label: t('request {0}', `#${number}`),
        description: nameOf(alias, appName),
        id: String(number),
      })),
      ...living.map(({ id, number, alias, appName }) => ({
        label: t('runner {0}', number),
        description: nameOf(alias, appName),
        id,
      })),
      ...[...(apps?.keys() ?? [])].map((alias) => ({ label: nameOf(alias), description: '', id: alias })),
    ];
    const title = t('Select What to Explain');
    return (await vscode.window.showQuickPick(items, { title, matchOnDescription: true }))?.id;
  }

  return { show, textOf };
}
