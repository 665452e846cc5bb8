import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { pseudo } from '../../scripts/words.ts';
import { until } from '../support/wait.ts';
import { english } from '../unit/english.ts';
import { callsOnScreen } from './calls-on-screen.ts';
import type { FalWindow } from './fal-window.ts';
import { packageExtension } from './package.ts';
import { takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  const vsix = await packageExtension('test-language');
  const settings = { 'editor.autoClosingQuotes': 'never', 'editor.autoSurround': 'never' };
  scene = await setScene({ vsix, language: 'qps-ploc', settings });
  window = await scene.open();
});
afterAll(async () => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `words-failed-${task.name.slice(0, 20)}`);
});

/** Each text for eyes, screen readers or the mouse that has English words. There is at least one text. */
async function missed(elements: Locator): Promise<readonly string[]> {
  await elements.first().waitFor({ state: 'attached' });
  const all = await elements.evaluateAll(
    (found: readonly { textContent: string | null; getAttribute(name: string): string | null }[]) =>
      found.flatMap((one) => [
        one.textContent,
        ...['aria-label', 'title', 'placeholder'].map((a) => one.getAttribute(a)),
      ]),
  );
  const texts = all.filter((text) => text !== null).map((text) => text.replaceAll(/[\u00a0\s]+/g, ' ').trim());
  expect.soft(texts.filter((text) => text.includes('⟦'))).not.toEqual([]);
  return [...new Set(texts)].filter((text) => english(text).length > 0);
}

const fal = (title: string) => `fal: ${pseudo(title)}`;
/** A text in the test language, with any values. */
function like(text: string): RegExp {
  const parts = pseudo(text)
    .replaceAll(/⟦|~*⟧/g, '')
    .split(/\{\d\}/);
  return new RegExp(parts.map((part) => part.replaceAll(/[.?()]/g, '\\$&')).join('.*'));
}

/** What isn't a text of ours in a list: nothing but its rows' names and descriptions, and the headings. */
const partsOfLists = ['.quick-input-title', '.label-name', '.label-description', '.quick-input-list-separator'];
const quickPick = () => window.workbench.page.locator('.quick-input-widget:visible');
const inList = () => quickPick().locator(partsOfLists.map((css) => `${css}:visible`).join(', '));
const lenses = () => window.workbench.page.locator('.codelens-decoration a, .codelens-decoration span');

/** The texts of the list with this title that have English words. */
async function missedInList(title: string): Promise<readonly string[]> {
  await quickPick()
    .locator('.quick-input-title')
    .filter({ hasText: like(title) })
    .waitFor();
  // The rows of the palette have gone then.
  const isPalette = quickPick().locator('.label-name:visible').filter({ hasText: 'fal: ' });
  await until('the list is there', async () => (await isPalette.count()) === 0);
  return missed(inList());
}

it('shows the commands, the views and their buttons in the language of the window', async () => {
  const { workbench } = window;
  const { page } = workbench;
  await window.showApps();
  // The editor loads the commands of extensions late.
  const offered = await until('the palette has our commands', async () => {
    const titles = (await workbench.offeredCommands('fal: ')).filter((title) => title.startsWith('fal: '));
    return titles.length > 0 ? titles : undefined;
  });
  expect.soft(offered.filter((title) => english(title).length > 0)).toEqual([]);
  expect.soft(await missed(page.locator('.sidebar .pane-header .title'))).toEqual([]);
  expect
    .soft(await missed(page.locator('.sidebar .welcome-view-content p, .sidebar .welcome-view-content a')))
    .toEqual([]);
  expect.soft(await missed(page.locator('.statusbar-item[id*="minifal"] a'))).toEqual([]);
});

it('shows the walkthrough in it', async () => {
  const { page, command } = window.workbench;
  await command(fal('Get Started'));
  const content = page.locator('.gettingStartedContainer');
  await content.locator('.getting-started-step').nth(4).waitFor();
  // Next to ours, the page has the editor's own walkthroughs.
  const details = ['.category-title', '.category-description-container'].map(
    (css) => `.gettingStartedSlideDetails ${css}`,
  );
  for (const css of [...details, '.step-title', '.step-description-container'])
    expect.soft({ css, missed: await missed(content.locator(css)) }).toEqual({ css, missed: [] });
  await takePicture(window.workbench, 'words-walkthrough');
});

it('shows lenses, lists and toasts of a deploy in it, and then rows and the state', async () => {
  const { page, command, openFile, pick } = window.workbench;
  await openFile('slow.py');
  await lenses().first().waitFor();
  expect.soft(await missed(lenses())).toEqual([]);
  await command(fal('Deploy to Emulator'));
  expect.soft(await missedInList('Select an App to Deploy')).toEqual([]);
  await pick('Slow');
  const toast = page.locator('.notification-toast');
  // The editor adds "Cancel".
  const ours = toast.locator(
    '.notification-list-item-message, .notification-list-item-buttons-container a:not(:text-is("Cancel"))',
  );
  expect.soft(await missed(ours)).toEqual([]);
  await toast
    .filter({ hasText: like('{0} is deployed to the local emulator.') })
    .first()
    .waitFor();
  expect.soft(await missed(ours)).toEqual([]);
  await scene.call('local/slow', { seconds: 0.1 });
  await page
    .locator('.sidebar [role=treeitem]')
    .filter({ hasText: like('runner {0}') })
    // In setup, it shows what the runner prints.
    .filter({ hasText: like('idle') })
    .first()
    .waitFor();
  expect.soft(await missed(page.locator('.sidebar [role=treeitem]'))).toEqual([]);
  expect.soft(await missed(page.locator('.sidebar [role=treeitem] .label-name'))).toEqual([]);
  expect.soft(await missed(lenses())).toEqual([]);
  expect.soft(await missed(page.locator('.statusbar-item[id*="minifal"] a'))).toEqual([]);
  await takePicture(window.workbench, 'words-deployed');
  await lenses().filter({ hasText: '●' }).first().click();
  await quickPick().locator('.monaco-list-row').first().waitFor();
  expect.soft(await missed(inList())).toEqual([]);
  await page.keyboard.press('Escape');
  await page.locator('.statusbar-item[id*="minifal"] a').first().click();
  await quickPick().locator('.monaco-list-row').first().waitFor();
  expect.soft(await missed(inList())).toEqual([]);
  await page.keyboard.press('Escape');
});

it('shows a call and its answer in it', async () => {
  const { page, command } = window.workbench;
  const calls = callsOnScreen(() => window);
  await command(fal('Call App'));
  await quickPick()
    .locator('.monaco-list-row')
    .first()
    .waitFor({ timeout: 3_000 })
    .catch(() => undefined);
  if (await quickPick().isVisible()) await page.keyboard.press('Enter');
  await calls.shown(/./, /"seconds"/);
  expect.soft(await missed(lenses())).toEqual([]);
  await calls.write('"seconds"', '"seconds": 0.1');
  await command(fal('Send Request'));
  await calls.shown(/200/, /"slept"/);
  expect.soft(await missed(lenses())).toEqual([]);
  await takePicture(window.workbench, 'words-call');
});

it('shows the page of the log in it', async () => {
  const { page, command } = window.workbench;
  await command(fal('Show Log'));
  expect.soft(await missedInList('Show Log')).toEqual([]);
  await page.keyboard.press('Enter');
  const pane: FrameLocator = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  await pane.getByRole('toolbar').waitFor();
  await pane.locator('.row').first().waitFor();
  // Lines of the log aren't texts of the extension, nor are marks of its platform lines ("The runner is ready."): the
  // filter searches their English. The marks of the emulator's starts and ends are.
  for (const css of ['.toolbar, .toolbar *', '.news', '.mark:has-text("⟦")']) {
    const found = pane.locator(css);
    await found.first().waitFor({ state: 'attached' });
    expect.soft({ css, missed: await missed(found) }).toEqual({ css, missed: [] });
  }
  await takePicture(window.workbench, 'words-log');
});

it('shows the list of interpreters and the settings in it', async () => {
  const { page, command } = window.workbench;
  await command(fal('Choose Python…'));
  await quickPick().locator('.monaco-list-row').nth(2).waitFor();
  expect.soft(await missed(inList())).toEqual([]);
  await page.keyboard.press('Escape');
  await command('Preferences: Open Settings (UI)');
  await page.locator('.settings-editor .suggest-input-container').first().click();
  await page.keyboard.type('@ext:minifal.minifal');
  await page.locator('.settings-editor .setting-item-description').filter({ hasText: '⟦' }).first().waitFor();
  expect.soft(await missed(page.locator('.settings-editor .setting-item-description'))).toEqual([]);
  await takePicture(window.workbench, 'words-settings');
});
