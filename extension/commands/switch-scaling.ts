import * as vscode from 'vscode';
import { type RunScaling, setScaling } from '../target/apps.ts';
import type { Link } from '../target/link.ts';
import { t } from '../words.ts';
import type { Runs } from './runs.ts';

/** Lets a run of this window scale as if it were deployed, or keeps its one runner again. */
export function createSwitchScaling({
  runs,
  link,
  dataFolder,
}: {
  readonly runs: Pick<Runs, 'reloading' | 'aliasesOf'>;
  readonly link: Pick<Link, 'snapshot'>;
  readonly dataFolder: string;
}) {
  /** @param key of the app whose run it is; absent: the user chooses. `false`: nothing was changed */
  return async function switchScaling(key?: string): Promise<boolean> {
    const apps = link.snapshot().live?.apps;
    const items = runs
      .reloading()
      .filter((run) => key === undefined || run.key === key)
      .flatMap(({ key: one, label }) =>
        runs.aliasesOf(one).flatMap((alias) => {
          const app = alias === undefined ? undefined : apps?.get(alias);
          return app ? [{ label, alias: app.alias, wanted: other(app.scaling) }] : [];
        }),
      );
    const [first, ...others] = items;
    const choices = items.map((item) => ({ ...item, description: described(item.wanted) }));
    const picked =
      others.length === 0 ? first : await vscode.window.showQuickPick(choices, { title: t('Select a Run') });
    return picked ? setScaling(dataFolder, picked.alias, picked.wanted) : false;
  };
}

function other(scaling: RunScaling | null): RunScaling {
  return scaling === 'faithful' ? 'pinned' : 'faithful';
}

function described(scaling: RunScaling): string {
  return scaling === 'faithful' ? t('scale as if it were deployed') : t('keep one runner');
}
