import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import { askRevisions, deleteApp } from '../target/apps.ts';
import type { Link } from '../target/link.ts';
import { lossOf } from '../views/loss-text.ts';
import { elementsOf } from '../views/row-view.ts';
import { t } from '../words.ts';

/** What can be done with an app that is deployed to the emulator: its revisions, and its end. */
export function createDeployedCommands(deps: { readonly link: Link; readonly present: Presenter }) {
  const { link, present } = deps;

  function deployed(): readonly string[] {
    const apps = [...(link.snapshot().live?.apps.values() ?? [])];
    return apps.flatMap(({ alias, kind }) => (kind === 'deployed' ? [alias] : [])).sort();
  }

  /** The apps of the rows; without rows, the one that the user picks. */
  async function chosen(argument: unknown, selection: unknown, title: string): Promise<readonly string[]> {
    const known = new Set(deployed());
    const given = elementsOf(argument, selection).flatMap(({ rowId, alias = '' }) =>
      rowId.startsWith('app/') && known.has(alias) ? [alias] : [],
    );
    if (given.length > 0) return given;
    const picked = await vscode.window.showQuickPick(deployed(), { title });
    return picked === undefined ? [] : [picked];
  }

  /** Copies the id of the revision that the user picks from the list. */
  async function showRevisions(argument: unknown): Promise<boolean> {
    const [alias] = await chosen(argument, undefined, t('Select an App'));
    if (alias === undefined) return false;
    const found = await askRevisions(link.folder, alias);
    if (!found) {
      present.problem(new Problem(t('{0} is no longer deployed, or the emulator does not answer.', alias)));
      return false;
    }
    const living = [...(link.snapshot().live?.runners.values() ?? [])].filter(({ endedAt }) => endedAt === null);
    const items = found.revisions.map(({ id, createdAt }) => {
      const runners = living.filter((runner) => runner.alias === alias && runner.revision === id).length;
      const words = [
        ...(id === found.active ? [t('active: receives all calls')] : []),
        ...(runners === 0 ? [] : [runners === 1 ? t('1 runner') : t('{0} runners', runners)]),
      ];
      const detail = `${new Date(createdAt).toLocaleString('en-GB')}  ${id}`;
      return { label: id.slice(0, 8), description: words.join(' · '), detail, id };
    });
    const placeHolder = t('Choose one to copy its ID');
    const options = { title: t('Revisions of {0}', alias), placeHolder, matchOnDetail: true };
    const picked = await vscode.window.showQuickPick(items, options);
    if (!picked) return false;
    await vscode.env.clipboard.writeText(picked.id);
    void vscode.window.setStatusBarMessage(t('fal: the ID of the revision is copied.'), 5_000);
    return true;
  }

  /** Deletes apps after a question that names what is lost. Returns their number. */
  async function remove(argument: unknown, selection: unknown): Promise<number> {
    const aliases = await chosen(argument, selection, t('Select an App to Delete'));
    const [first] = aliases;
    const { live } = link.snapshot();
    if (first === undefined || !live) return 0;
    const what =
      aliases.length === 1
        ? t('Delete {0} from the local emulator?', first)
        : t('Delete {0} apps from the local emulator?', aliases.length);
    const detail = lossOf(aliases.flatMap((alias) => live.apps.get(alias) ?? []));
    const yes = t('Delete');
    if ((await vscode.window.showWarningMessage(what, { modal: true, detail }, yes)) !== yes) return 0;
    const answers = await Promise.all(
      aliases.map(async (alias) => ({ alias, isGone: await deleteApp(link.folder, alias) })),
    );
    const left = answers.filter(({ isGone }) => !isGone).map(({ alias }) => alias);
    if (left.length > 0) present.problem(new Problem(t('{0} could not be deleted.', left.join(', '))));
    return answers.length - left.length;
  }

  return { showRevisions, remove };
}
