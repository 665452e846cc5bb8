import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { t } from '../words.ts';
import type { AppIndex, WorkspaceApp } from '../workspace/app-index.ts';
import { appArgument, chooseApp } from '../workspace/choose-app.ts';
import { appKey } from '../workspace/code/listed.ts';

/**
 * Apps whose next deploy uses the scaling values of the code (`fal deploy --reset-scale`) instead of those that the
 * deployed app has.
 */
export function createScaleResets(deps: { readonly index: AppIndex; readonly present: Presenter }) {
  const { index, present } = deps;
  const wanted = new Set<string>();

  /** `true`: the next deploy of the app uses them. */
  async function use(argument: unknown): Promise<boolean> {
    try {
      const app = await chooseApp(index, appArgument(argument), t('Select an App to Reset'));
      if (app.entry) return await showEntry(app);
      wanted.add(appKey(app));
      void vscode.window.setStatusBarMessage(t("fal: the next deploy of {0} uses the code's values.", app.name), 5_000);
      return true;
    } catch (error) {
      present.problem(error);
      return false;
    }
  }

  return {
    use,
    isWanted: (key: string) => wanted.has(key),
    /** A deploy has used them. */
    done: (key: string) => void wanted.delete(key),
  };
}

export type ScaleResets = ReturnType<typeof createScaleResets>;

/** For an entry of `pyproject.toml`, `fal` ignores the option and reads the entry (fal/cli/_utils.py). */
async function showEntry({ entry }: WorkspaceApp): Promise<boolean> {
  if (!entry) return false;
  const { path, line, name, resetsScale } = entry;
  await vscode.window.showTextDocument(vscode.Uri.file(path), { selection: new vscode.Range(line, 0, line, 0) });
  const sentence = resetsScale
    ? t("Each deploy of {0} uses the code's scaling values.", name)
    : t("Add app_scale_settings = true to {0}: then each deploy uses the code's scaling values.", name);
  void vscode.window.showInformationMessage(sentence);
  return resetsScale;
}
