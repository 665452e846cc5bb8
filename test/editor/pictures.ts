import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workbench } from '../lab/workbench.ts';
import { cacheDir } from '../support/root.ts';

/** A kind of theme, and the least contrast of an icon in it (docs/quality.md#contrast-and-keyboard). */
export interface Look {
  readonly name: 'light' | 'high-contrast' | 'high-contrast-light' | 'dark';
  readonly minContrast: number;
}

const looks: readonly (Look & { readonly theme: string; readonly css: string })[] = [
  { name: 'light', theme: 'Light Modern', css: 'vs', minContrast: 3 },
  { name: 'high-contrast-light', theme: 'Light High Contrast', css: 'hc-light', minContrast: 4.5 },
  { name: 'high-contrast', theme: 'Dark High Contrast', css: 'hc-black', minContrast: 4.5 },
  // Last, because this theme stays.
  { name: 'dark', theme: 'Dark Modern', css: 'vs-dark', minContrast: 3 },
];

/** Performs an action with the window in each kind of theme. */
export async function inEachTheme(
  { page, command, pick }: Workbench,
  act: (look: Look) => Promise<void>,
): Promise<void> {
  for (const look of looks) {
    await command('Preferences: Color Theme');
    await pick(look.theme);
    await page.locator(`.monaco-workbench.${look.css}`).waitFor();
    await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    await act(look);
  }
}

/** Takes a screenshot of the window in each theme, as `test/.cache/screenshots/NAME.THEME.png`. */
export async function takePictures(workbench: Workbench, name: string): Promise<void> {
  await inEachTheme(workbench, (look) => takePicture(workbench, `${name}.${look.name}`));
}

/** Takes a screenshot of the window as it is. */
export async function takePicture({ page }: Workbench, name: string): Promise<void> {
  const folder = join(cacheDir, 'screenshots');
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  // As in package.ts: the file may be shared with another worktree.
  await rm(path, { force: true });
  await page.screenshot({ path });
}
