import * as vscode from 'vscode';
import { Cancelled } from '../problem.ts';
import type { LiveState } from '../target/live.ts';
import type { NameOf } from '../views/app-names.ts';
import { t } from '../words.ts';
import { choicesOf } from './choices.ts';
import type { LogTarget } from './log-target.ts';

/** What the user wants the log of. @throws Cancelled */
export async function chooseLog(live: LiveState | undefined, nameOf: NameOf): Promise<LogTarget> {
  const { apps, runners, requests } = choicesOf(live, { alias: null }, nameOf);
  const group = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator, target: {} });
  const items: readonly Item[] = [
    { label: t('Everything'), target: {} },
    ...(apps.length > 0 ? [group(t('Apps'))] : []),
    ...apps.map(({ id, label }) => ({ label, target: { alias: id } })),
    ...(runners.length > 0 ? [group(t('Runners'))] : []),
    ...runners.map(({ id, label }) => ({ label, target: { runnerId: id } })),
    ...(requests.length > 0 ? [group(t('Requests'))] : []),
    ...requests.map(({ id, label }) => ({ label, target: { requestId: id } })),
  ];
  if (items.length === 1) return {};
  const picked = await vscode.window.showQuickPick(items, {
    title: t('Show Log'),
    placeHolder: t('Select what to show the lines of'),
  });
  if (!picked) throw new Cancelled();
  return picked.target;
}

interface Item extends vscode.QuickPickItem {
  readonly target: LogTarget;
}
