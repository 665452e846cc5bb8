import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../support/wait.ts';
import { english } from '../unit/english.ts';
import type { FalWindow } from './fal-window.ts';
import { packageExtension } from './package.ts';
import { type Scene, setScene } from './scene.ts';

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  const vsix = await packageExtension('test-language');
  scene = await setScene({ vsix, language: 'qps-ploc' });
  window = await scene.open();
});
afterAll(async () => scene.close());

/** Each of these texts that has English words, with them. There is at least one text. */
async function missed(texts: Locator): Promise<readonly string[]> {
  await texts.first().waitFor();
  const all = await texts.allTextContents();
  return all.filter((text) => english(text).length > 0);
}

it('shows the commands, the names of views and their welcome in the language of the window', async () => {
  const { workbench } = window;
  const { page } = workbench;
  await window.showApps();
  // The editor loads the commands of extensions late.
  const offered = await until('the palette has our commands', async () => {
    const titles = (await workbench.offeredCommands('fal: ')).filter((title) => title.startsWith('fal: '));
    return titles.length > 0 ? titles : undefined;
  });
  expect(offered.filter((title) => english(title).length > 0)).toEqual([]);
  expect(await missed(page.locator('.sidebar .pane-header .title'))).toEqual([]);
  expect(await missed(page.locator('.sidebar .welcome-view-content'))).toEqual([]);
});
