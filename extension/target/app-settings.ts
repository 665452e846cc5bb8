import { type AppSettings, appSettingsSchema, settingNames } from '../../emulator/wire/app-settings.ts';
import { ask } from './ask.ts';

export { type AppSettings, settingNames };

/** The settings of a deployed app in effect; `undefined`: it isn't deployed, or no emulator is running. */
export function askSettings(folder: string, alias: string): Promise<AppSettings | undefined> {
  return ask(folder, `/minifal/apps/${encodeURIComponent(alias)}/settings`, appSettingsSchema);
}
