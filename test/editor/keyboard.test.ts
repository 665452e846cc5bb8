import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../support/wait.ts';
import { objections } from './accessibility.ts';
import { callsOnScreen } from './calls-on-screen.ts';
import type { FalWindow } from './fal-window.ts';
import { keysIn } from './keys.ts';
import { takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

const walker = `import base64
import time

import fal
from fal.toolkit import File
from pydantic import BaseModel

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Picture(BaseModel):
    image: File


class Walker(fal.App):
    machine_type = "XS"
    keep_alive = 600

    @fal.endpoint("/")
    def picture(self) -> Picture:
        print("a step")
        image = File.from_bytes(base64.b64decode(PNG), content_type="image/png", file_name="step.png")
        return Picture(image=image)

    @fal.endpoint("/fail")
    def fail(self) -> str:
        raise KeyError("style")

    @fal.endpoint("/wait")
    def wait(self) -> str:
        time.sleep(600)
        return "done"
`;
const lineOf = (code: string) => walker.split('\n').findIndex((line) => line.includes(code)) + 1;
const secret = 'hf_not_to_be_seen';

/** Every action of the extension, without a mouse: from starting the emulator to the fix of a problem. */
let scene: Scene;
let window: FalWindow;
const { press, focused, reach, runTyped, focusView, menu, choose, hasFocus } = keysIn(() => window);

beforeAll(async () => {
  scene = await setScene();
  await writeFile(join(scene.workspace, 'walker.py'), walker);
  await writeFile(join(scene.workspace, '.env'), `HF_TOKEN=${secret}\n`);
  window = await scene.open();
  await runTyped('fal: Focus on Apps View');
  await window.row(/^Hello not running/);
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `keyboard-failed-${task.name.slice(0, 20)}`);
  await until('something has the focus', hasFocus, { timeoutMs: 5_000 });
});

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
  // The ended runner is folded away.
  await window.row(/^runner \d+ ended/);
  await focusView('Apps', /^app /);
  const labels: string[] = [];
  for (let row = await focused(); labels.at(-1) !== row; row = await focused()) {
    labels.push(row);
    await press('ArrowDown');
  }
  expect(labels).toEqual([
    expect.stringMatching(/^app Hello \(deployed\), no runner/),
    expect.stringMatching(/^endpoint POST \/, no calls/),
    expect.stringMatching(/^run Hello \(run\), ended/),
    expect.stringMatching(/^1 ended runner/),
    expect.stringMatching(/^runner \d+, ended, less than a minute, .+/),
    expect.stringMatching(/^app Slow, not running/),
    expect.stringMatching(/^app Walker, not running/),
  ]);
});

it("opens a row's menu and clears the row", async () => {
  await window.row(/^runner \d+ ended/);
  await focusView('Apps', /^app /);
  await reach('ArrowDown', /^runner \d+, ended/);
  const items = await menu();
  expect(items).toEqual([
    'Show Log',
    'Show Start',
    'Export Start as Trace',
    'Explain State',
    'Copy ID',
    'Clear Runner',
    'Clear Ended Runners',
  ]);
  await takePicture(window.workbench, 'keyboard-menu');
  await press(...Array<string>(items.indexOf('Clear Runner') + 1).fill('ArrowDown'), 'Enter');
  await until('it is gone', async () => !(await window.rows()).some((row) => /^runner \d+ ended/.test(row)));
});

it("reaches the view's own buttons and its menu", async () => {
  const { page } = window.workbench;
  await focusView('Apps', /^app /);
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
  expect(await menu('Enter')).toEqual(
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

const calls = callsOnScreen(() => window);

/** Opens the request of an endpoint from its row. */
async function callEndpoint(path: string): Promise<void> {
  await focusView('Apps', /^app /);
  await reach('ArrowDown', /^run Walker/);
  await reach('ArrowDown', new RegExp(`^endpoint POST ${path},`));
  await choose('Call App');
  await calls.shown(new RegExp(`^Send .*\\| ${path} of Walker`), /schema/);
}

/** Waits for a row of "Requests" by its spoken text, and focuses it. */
async function reachRequest(wanted: RegExp): Promise<string> {
  return until(
    `a request matches ${wanted}`,
    async () => {
      await focusView('Requests', /^(request|\d+ older)/);
      return reach('ArrowDown', wanted, 10).catch(() => undefined);
    },
    { timeoutMs: 60_000 },
  );
}

it('runs an app from its row, calls it, and opens the result', async () => {
  const { page } = window.workbench;
  await focusView('Apps', /^app /);
  await reach('ArrowDown', /^app Walker/);
  await press('Enter');
  await window.status(new RegExp(`Ln ${lineOf('class Walker')}, `));
  await focusView('Apps', /^app /);
  await reach('ArrowDown', /^app Walker/);
  await choose('Run App');
  await window.row(/^Walker \(run\) idle/);
  await callEndpoint('/');
  await runTyped('fal: Send Request');
  await calls.shown(/^200 · .*\| Open Image/, /step\.png/);
  await press('Control+2');
  await runTyped('fal: Open Result');
  await page
    .locator('.tab.active')
    .filter({ hasText: /step|png/ })
    .waitFor();
});

it('opens, replays and cancels requests from their rows', async () => {
  const { page } = window.workbench;
  await callEndpoint('/fail');
  await runTyped('fal: Send Request to Queue');
  const row = await reachRequest(/^request \d+, POST \/fail of .* failed/);
  const number = Number(/\d+/.exec(row));
  await press('Enter');
  await page
    .locator('.tab.active')
    .filter({ hasText: `Request #${number}` })
    .waitFor();
  await reachRequest(new RegExp(`^request ${number}, `));
  await choose('Replay Request');
  await reachRequest(new RegExp(`^request ${number + 1}, POST /fail of .* failed`));
  await callEndpoint('/wait');
  await runTyped('fal: Send Request to Queue');
  await reachRequest(/^request \d+, POST \/wait of .* running/);
  // The only runner is busy, so that the next one waits.
  await reachRequest(new RegExp(`^request ${number}, `));
  await choose('Replay Request');
  const waiting = Number(/\d+/.exec(await reachRequest(/^request \d+, POST \/fail of .* waiting/)));
  await press('Delete');
  await reachRequest(new RegExp(`^request ${waiting}, .* cancelled`));
});

it('filters and searches the log, goes to the line of an error, and leaves the pane', async () => {
  const { page } = window.workbench;
  const pane = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  const focusInPane = (css: string) => pane.locator(`${css}:focus`).first().waitFor();
  const openLog = async () => {
    await runTyped('fal: Show Log');
    await quickPick().filter({ hasText: 'Show Log' }).waitFor();
    await press('Enter');
    await pane.locator('.row').first().waitFor();
    await focusInPane('.list');
  };
  await openLog();
  await press('Control+f');
  await focusInPane('input');
  await page.keyboard.type('a step');
  await until('only those lines are shown', async () => {
    const lines = await pane.locator('.row:not(.mark)').allInnerTexts();
    return lines.length > 0 && lines.every((line) => line.replaceAll(/\s+/g, ' ').includes('a step'));
  });
  await takePicture(window.workbench, 'keyboard-log');
  await press('Control+a', 'Delete', 'Escape');
  await focusInPane('.list');
  await pane.locator('.row').filter({ hasText: "KeyError: 'style'" }).first().waitFor();
  const selected = async () => (await pane.locator('.row[aria-selected=true]').allInnerTexts()).join();
  await press('p');
  await until('an error is selected', async () => (await selected()).includes("KeyError: 'style'"));
  const newer = await selected();
  await press('p');
  await until('an older one is selected', async () => ![newer, ''].includes(await selected()));
  await press('n');
  await until('the newer one is selected', async () => (await selected()) === newer);
  await press('Enter');
  await window.status(new RegExp(`Ln ${lineOf('raise KeyError')}, `));
  const inEditor = () => page.evaluate<boolean>("document.activeElement?.closest('.editor-instance') !== null");
  await until('the editor has the focus', inEditor);
  await openLog();
  // Behind the last control, Tab leaves the page for the browser, as in each webview.
  await press('Escape');
  await until('the editor has the focus', inEditor);
});

const shownInEmulator = (text: RegExp) =>
  window.workbench.view('Emulator').locator('[role=treeitem]').filter({ hasText: text }).first().waitFor();

it('adds and imports secrets, and opens an address', async () => {
  const { page } = window.workbench;
  await focusView('Emulator', /local/);
  const input = page.locator('.quick-input-widget:visible input:visible').first();
  await reach('ArrowDown', /^(1 secret|\d+ secrets)$/);
  await choose('Add Secret…');
  await page.getByText('Add Secret (1 of 2)').waitFor();
  await page.keyboard.type('API_TOKEN');
  await press('Enter');
  await page.getByText('Add Secret (2 of 2)').waitFor();
  expect(await input.getAttribute('type')).toBe('password');
  await page.keyboard.type(secret);
  await press('Enter');
  await shownInEmulator(/^SecretsAPI_TOKEN$/);
  await focusView('Emulator', /local/);
  await reach('ArrowDown', /^(1 secret|\d+ secrets)$/);
  await choose('Import Secrets…');
  await page.locator('.quick-input-widget:visible .monaco-list-row').filter({ hasText: '.env' }).first().waitFor();
  await press('Enter');
  await page.getByText('Secrets That .env Would Set').waitFor();
  await press('Enter');
  await shownInEmulator(/^SecretsAPI_TOKEN, HF_TOKEN$/);
  expect(await page.content()).not.toContain(secret);
  await focusView('Emulator', /local/);
  const address = window.workbench.view('Emulator').locator('[role=treeitem]').filter({ hasText: /^Run/ });
  await until('it is unfolded', async () => {
    if (await address.isVisible()) return true;
    await press('ArrowRight');
    return false;
  });
  await reach('ArrowDown', /^Run, port \d+/);
  const opened = page.context().waitForEvent('page');
  await press('Enter');
  const tab = await opened;
  const { ports } = await scene.emulator();
  await until('the address is opened', () => tab.url().includes(`${ports.run}`));
  await tab.close();
});

it('goes from a problem to its line, and to its request by a quick fix', async () => {
  const { page } = window.workbench;
  await runTyped('Problems: Focus on Problems View');
  await page.locator('.markers-panel *:focus').waitFor();
  await press('Home');
  await reach('ArrowDown', /KeyError: 'style'/);
  await press('Enter');
  await window.status(new RegExp(`Ln ${lineOf('raise KeyError')}, `));
  const offered = page.locator('.action-widget:visible');
  await until('the quick fix is offered', async () => {
    // A problem that was only just shown may have no quick fix yet.
    await press('Escape', 'Control+.');
    return offered
      .filter({ hasText: 'Open Request' })
      .waitFor({ timeout: 3_000 })
      .then(
        () => true,
        () => false,
      );
  });
  const chosen = offered.locator('.monaco-list-row.focused').filter({ hasText: 'Open Request' });
  for (let step = 0; step < 5 && !(await chosen.isVisible()); step++) await press('ArrowDown');
  await press('Enter');
  await page.locator('.tab.active').filter({ hasText: 'Request #' }).waitFor();
});
