import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../support/wait.ts';
import { objections } from './accessibility.ts';
import type { FalWindow } from './fal-window.ts';
import { takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

/** Every action of the extension, without a mouse: from starting the emulator to the menu of the last row. */
let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  scene = await setScene();
  window = await scene.open();
  await runTyped('fal: Focus on Apps View');
  await window.row(/^Hello not running/);
});
afterAll(() => scene?.close());

const press = (...keys: readonly string[]) =>
  keys.reduce((before, key) => before.then(() => window.workbench.page.keyboard.press(key)), Promise.resolve());

/** The text of a screen reader for the focused element. */
function focused(): Promise<string> {
  return window.workbench.page.evaluate<string>(`(() => {
    const list = document.activeElement;
    const id = list?.getAttribute('aria-activedescendant');
    const at = (id && document.getElementById(id)) || list;
    return (at?.getAttribute('aria-label') ?? at?.textContent ?? '').replaceAll('\\u00a0', ' ').trim();
  })()`);
}

/** Presses a key until the expected element has the focus; fails after one round. */
async function reach(key: string, wanted: RegExp, maxSteps = 40): Promise<string> {
  const seen: string[] = [];
  for (let step = 0; step < maxSteps; step++) {
    const now = await focused();
    if (wanted.test(now)) return now;
    seen.push(now);
    await press(key);
  }
  throw new Error(`${key} does not lead to ${wanted}, only to ${JSON.stringify(seen)}`);
}

/** Runs a command from the palette, only with the keyboard. */
async function runTyped(title: string): Promise<void> {
  const { page } = window.workbench;
  const first = page.locator('.quick-input-widget:visible .monaco-list-row.focused .label-name');
  await until(
    `the palette has ${title}`,
    async () => {
      await press('F1');
      await page.keyboard.type(title);
      const isThere = await first
        .filter({ hasText: title })
        .waitFor({ timeout: 3_000 })
        .then(
          () => true,
          () => false,
        );
      if (!isThere) await press('Escape');
      return isThere;
    },
    { timeoutMs: 60_000 },
  );
  await press('Enter');
}

/** Parts of the editor that open late may take the focus again. */
async function focusTree(): Promise<void> {
  const { page } = window.workbench;
  await until('the tree has the focus', async () => {
    await runTyped('fal: Focus on Apps View');
    await page
      .locator('.sidebar .pane :focus')
      .waitFor({ timeout: 2_000 })
      .catch(() => undefined);
    await press('Home');
    return /^app /.test(await focused());
  });
}

/** The labels of the items in the open context menu or dropdown. */
async function menu(): Promise<readonly string[]> {
  const items = window.workbench.page.locator('.monaco-menu .action-item .action-label:visible');
  await items.first().waitFor();
  return (await items.allInnerTexts()).map((text) => text.trim()).filter(Boolean);
}

const quickPick = () => window.workbench.page.locator('.quick-input-widget:visible .quick-input-title');

it('starts the emulator', async () => {
  const { page } = window.workbench;
  expect((await objections(page)).ours).toEqual([]);
  await runTyped('fal: Start Emulator');
  await scene.emulator();
  await window.status(/fal: local/);
});

it('finds every command in the palette', async () => {
  const titles = [
    'Stop Emulator',
    'Run App',
    'Deploy to Emulator',
    'Open Local Terminal',
    'Show Emulator Log',
    'Refresh Apps',
  ];
  // One at a time, because only rows on the screen are read. Stop Emulator is there once the window knows that it runs.
  for (const title of titles) {
    const search = `fal: ${title}`;
    await until(`the palette has ${search}`, async () =>
      (await window.workbench.offeredCommands(search)).includes(search),
    );
  }
});

it('runs, deploys, stops and opens the terminal by keyboard shortcuts', async () => {
  const { page } = window.workbench;
  await press('Control+k', 'Alt+d');
  await quickPick().filter({ hasText: 'Select an App to Deploy' }).waitFor();
  await page.keyboard.type('Hello');
  await press('Enter');
  await window.workbench.toast('Hello is deployed');
  await press('Control+k', 'Alt+r');
  await quickPick().filter({ hasText: 'Select an App to Run' }).waitFor();
  await page.keyboard.type('Hello');
  await press('Enter');
  await runTyped('fal: Focus on Apps View');
  await window.row(/^Hello \(run\) idle/);
  await window.row(/^runner \d+ idle /);
  await press('Control+k', 'Alt+s');
  await window.row(/^runner \d+ ended/);
  // A run that the user stopped has not failed.
  await page.locator('.terminal-tabs-entry').filter({ hasText: 'run Hello' }).waitFor();
  expect(await page.locator('.terminal-tabs-entry [class*="codicon-error"]').count()).toBe(0);
  await press('Control+k', 'Alt+t');
  await window.workbench.terminalIsShown('fal (local)');
});

it('moves through the tree, in which each row has a spoken description', async () => {
  await focusTree();
  const labels: string[] = [];
  for (let row = await focused(); labels.at(-1) !== row; row = await focused()) {
    labels.push(row);
    await press('ArrowDown');
  }
  expect(labels).toEqual([
    expect.stringMatching(/^app Hello, no runner/),
    expect.stringMatching(/^endpoint POST \/, no calls/),
    expect.stringMatching(/^run Hello \(run\), ended/),
    expect.stringMatching(/^1 ended runner/),
    expect.stringMatching(/^runner \d+, ended, less than a minute, .+/),
    expect.stringMatching(/^app Slow, not deployed/),
  ]);
});

it("opens a row's menu and clears the row", async () => {
  await focusTree();
  await reach('ArrowDown', /^runner \d+, ended/);
  await press('Shift+F10');
  expect(await menu()).toEqual(['Show Log', 'Copy ID', 'Clear Runner', 'Clear Ended Runners']);
  await takePicture(window.workbench, 'keyboard-menu');
  await press('ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter');
  await until('it is gone', async () => !(await window.rows()).some((row) => /^runner \d+ ended/.test(row)));
});

it("reaches the view's own buttons and its menu", async () => {
  const { page } = window.workbench;
  await focusTree();
  await reach('Shift+Tab', /^(Deploy to Emulator|Open Local Terminal|Views and More Actions|Collapse All)/, 15);
  await press('Home');
  const buttons = new Set<string>();
  for (let now = await focused(); !buttons.has(now); now = await focused()) {
    buttons.add(now);
    await press('ArrowRight');
  }
  await takePicture(window.workbench, 'keyboard-toolbar');
  expect([...buttons].map((label) => label.replace(/ \(.*$/, ''))).toEqual(
    expect.arrayContaining(['Deploy to Emulator', 'Open Local Terminal', expect.stringMatching(/More Actions/)]),
  );
  await reach('ArrowRight', /More Actions/);
  await press('Enter');
  expect(await menu()).toEqual(
    expect.arrayContaining(['Run App', 'Refresh Apps', 'Show Emulator Log', 'Stop Emulator']),
  );
  await press('Escape');
  await page.locator('.monaco-menu').waitFor({ state: 'detached' });
});

it("opens the status bar's actions", async () => {
  await runTyped('Focus Status Bar');
  await reach('ArrowRight', /^fal: local emulator running/);
  expect((await objections(window.workbench.page)).ours).toEqual([]);
  await press('Enter');
  await quickPick().filter({ hasText: 'fal' }).waitFor();
  await press('Escape');
  await window.workbench.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
});
