import * as vscode from 'vscode';
import { startSettings } from '../checked-settings.ts';
import { settingId } from '../contributes/settings.ts';
import type { SettingsCheck } from '../present.ts';
import type { Link } from '../target/link.ts';
import { t } from '../words.ts';
import type { EmulatorCommands } from './emulator.ts';

/** Applies changed settings, or offers the required restart. */
export function followSettings(deps: {
  readonly link: Link;
  readonly emulator: EmulatorCommands;
  readonly checkSettings: SettingsCheck;
  readonly setAllTerminals: () => void;
  /** Searches for Python and apps again if the view is open. */
  readonly refreshIfVisible: () => Promise<void>;
}): vscode.Disposable {
  const { link, emulator, checkSettings, setAllTerminals, refreshIfVisible } = deps;

  async function settingsChanged(event: vscode.ConfigurationChangeEvent): Promise<void> {
    if (event.affectsConfiguration(settingId('terminals.all'))) setAllTerminals();
    if (event.affectsConfiguration(settingId('pythonPath'))) await refreshIfVisible();
    const changed = startSettings.filter((name) => event.affectsConfiguration(settingId(name)));
    if (changed.length > 0) await offerRestart(changed);
    if (!event.affectsConfiguration(settingId('dataFolder'))) return;
    const reload = t('Reload Window');
    const what = t('Reload the window to use the new data folder.');
    if ((await vscode.window.showInformationMessage(what, reload)) === reload) {
      await vscode.commands.executeCommand('workbench.action.reloadWindow');
    }
  }

  async function offerRestart(changed: readonly string[]): Promise<void> {
    // One message is enough: an invalid value needs no restart.
    const wrong = checkSettings();
    if (link.snapshot().state !== 'running' || changed.every((name) => wrong.includes(name))) return;
    const restart = t('Restart Emulator');
    const what = t('Restart the emulator to apply the new setting.');
    if ((await vscode.window.showInformationMessage(what, restart)) === restart) await emulator.restart();
  }

  return vscode.workspace.onDidChangeConfiguration(settingsChanged);
}
