import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workbench } from '../lab/workbench.ts';
import { cacheDir } from '../support/root.ts';

const themes = [
  { name: 'light', theme: 'Light Modern', css: 'vs' },
  { name: 'high-contrast', theme: 'Dark High Contrast', css: 'hc-black' },
  // Last: the theme that stays.
  { name: 'dark', theme: 'Dark Modern', css: 'vs-dark' },
];

/** Takes the window in each theme, as `test/.cache/screenshots/NAME.THEME.png`. */
export async function takePictures({ page, command, pick }: Workbench, name: string): Promise<void> {
  const folder = join(cacheDir, 'screenshots');
  await mkdir(folder, { recursive: true });
  for (const { name: look, theme, css } of themes) {
    await command('Preferences: Color Theme');
    await pick(theme);
    await page.locator(`.monaco-workbench.${css}`).waitFor();
    await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    await page.screenshot({ path: join(folder, `${name}.${look}.png`) });
  }
}
