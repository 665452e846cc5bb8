import { relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { settingId } from '../contributes/settings.ts';
import type { Presenter } from '../present.ts';
import { readSettings } from '../settings.ts';
import type { Link } from '../target/link.ts';
import { t } from '../words.ts';
import type { Runs } from './runs.ts';

/** Excludes files from those whose saves reload runs: in the setting, and at once for the runs of this window. */
export function createIgnoreSaves({
  runs,
  link,
  present,
}: {
  readonly runs: Runs;
  readonly link: Link;
  readonly present: Presenter;
}) {
  /** The file of the last reload of an app's run. */
  function lastCause(key: string): string | undefined {
    const rows = runs.aliasesOf(key).map((alias) => link.snapshot().live?.apps.get(alias ?? ''));
    return rows.map((row) => row?.reload?.cause ?? undefined).find((cause) => cause !== undefined);
  }

  /** @param key of the app whose run it is; absent: the user chooses. `false`: nothing was excluded */
  return async function ignore(key?: string): Promise<boolean> {
    const running = runs.reloading().filter((run) => key === undefined || run.key === key);
    const [first, ...others] = running;
    const items = running.map((run) => ({ label: run.label, run }));
    const run =
      others.length === 0 ? first : (await vscode.window.showQuickPick(items, { title: t('Select a Run') }))?.run;
    if (!run) return false;
    const cause = lastCause(run.key);
    const below = cause === undefined ? '' : relative(run.cwd, cause);
    const glob = await vscode.window.showInputBox({
      title: t('Ignore Saves of File'),
      prompt: t('Files or folders whose changes don’t reload a run, such as *.md or assets/'),
      value: below.startsWith(`..${sep}`) ? (cause ?? '') : below,
    });
    if (glob === undefined || glob.trim() === '') return false;
    runs.ignore(run.key, glob.trim());
    await store(run.cwd, glob.trim()).catch(present.problem);
    return true;
  };
}

async function store(cwd: string, glob: string): Promise<void> {
  const uri = vscode.Uri.file(cwd);
  const { hotReloadIgnore } = readSettings(uri);
  if (hotReloadIgnore.includes(glob)) return;
  await vscode.workspace
    .getConfiguration(undefined, uri)
    .update(settingId('hotReloadIgnore'), [...hotReloadIgnore, glob], vscode.ConfigurationTarget.Workspace);
}
