import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ownSecretsSchema } from '../../emulator/wire/secrets.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

const value = 'hf_not_to_be_seen';

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  scene = await setScene();
  await writeFile(join(scene.workspace, '.env'), `HF_TOKEN=${value}\nS3_KEY=${value}\nFAL_KEY=${value}\n`);
  window = await scene.open();
  await window.showApps();
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `emulator-failed-${task.name.slice(0, 20)}`);
});

const pane = () => window.workbench.view('Emulator');
/** A row of the view, by the beginning of its text. */
const row = (text: RegExp) => pane().locator('[role=treeitem]').filter({ hasText: text }).first();

async function secretNames(): Promise<readonly string[]> {
  const { ports } = await scene.emulator();
  const key = (await readFile(join(scene.dataDir, 'key'), 'utf8')).trim();
  const headers = { authorization: `Key ${key}` };
  const answer = await fetch(`http://localhost:${ports.api}/minifal/secrets`, { headers });
  return ownSecretsSchema.parse(await answer.json()).secrets.map(({ name }) => name);
}

async function press(text: RegExp, action: string): Promise<void> {
  await row(text).hover();
  await row(text).getByRole('button', { name: action }).click();
}

/** The items of the context menu of a row. */
async function menuOf(text: RegExp): Promise<readonly string[]> {
  const { page } = window.workbench;
  const items = page.locator('.monaco-menu .action-item .action-label:visible');
  await until(`there is a menu of ${text}`, async () => {
    // The menu of a row that was drawn again meanwhile closes.
    if (!(await items.first().isVisible())) await row(text).click({ button: 'right' });
    const isOpen = items.first().waitFor({ timeout: 2_000 });
    return isOpen.then(
      () => true,
      () => false,
    );
  });
  const labels = (await items.allInnerTexts()).map((label) => label.trim()).filter(Boolean);
  await page.keyboard.press('Escape');
  await page.locator('.monaco-menu').waitFor({ state: 'detached' });
  return labels;
}

it('one button starts the emulator; then its addresses, secrets and disk use are shown', async () => {
  const { page } = window.workbench;
  // The view is folded at first. Rows below the edge of a view don't exist, so that it gets the room of the others.
  for (const name of ['Apps', 'Requests', 'Emulator'])
    await window.workbench.view(name).locator('.pane-header').click();
  await pane().locator('.welcome-view-content .monaco-button').getByText('Start Emulator').click();
  await row(/^local:\d+ · up \d+ s/).waitFor();
  await row(/^Secretsnone/).waitFor();
  await row(/^Disk.* · \d+ environments?/).waitFor();
  await row(/^local/)
    .locator('.monaco-tl-twistie')
    .click();
  const { ports } = await scene.emulator();
  await row(new RegExp(`^Runlocalhost:${ports.run}`)).waitFor();
  await row(/^Version\d+\.\d+\.\d+ · process \d+/).waitFor();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await press(/^Queue/, 'Copy URL');
  await until('the address is copied', async () => {
    const text: string = await page.evaluate('navigator.clipboard.readText()');
    return text === `http://localhost:${ports.queue}`;
  });
  const opened = page.context().waitForEvent('page');
  await press(/^Run/, 'Open URL');
  const tab = await opened;
  await until('the address is opened', () => tab.url().includes(`${ports.run}`));
  await tab.close();
  expect(await menuOf(/^local/)).toEqual(['Show Emulator Log', 'Restart Emulator', 'Stop Emulator']);
  expect(await menuOf(/^Run/)).toEqual(['Open URL', 'Copy URL']);
  expect(await menuOf(/^Version/)).toEqual(['Copy ID']);
  expect(await menuOf(/^Secrets/)).toEqual(['Add Secret…', 'Import Secrets…']);
  expect(await menuOf(/^Disk/)).toEqual(['Clean Up Data Folder']);
  await row(/^local/)
    .locator('.monaco-tl-twistie')
    .click();
});

it('the import of a .env file shows first what it would set, and never a value', async () => {
  const { page, pick } = window.workbench;
  await press(/^Secrets/, 'Import Secrets…');
  await pick('.env');
  const list = page.locator('.quick-input-widget:visible');
  await list.getByText('Secrets That .env Would Set').waitFor();
  const rows = await list.locator('.monaco-list-row').allInnerTexts();
  expect(rows.map((text) => text.replaceAll(/\s+/g, ' ')).toSorted()).toEqual([
    expect.stringMatching(/FAL_KEY.*not possible: the platform sets this variable/),
    expect.stringMatching(/HF_TOKEN.*new/),
    expect.stringMatching(/S3_KEY.*new/),
  ]);
  await takePicture(window.workbench, 'emulator-import.dark');
  expect(await page.content()).not.toContain(value);
  await list.getByRole('button', { name: 'OK' }).click();
  await row(/^SecretsHF_TOKEN, S3_KEY/).waitFor();
  expect([...(await secretNames())].toSorted()).toEqual(['HF_TOKEN', 'S3_KEY']);
});

it('a secret is added by its name and a hidden value, and removed with the Delete key', async () => {
  const { page } = window.workbench;
  await press(/^Secrets/, 'Add Secret…');
  const input = page.locator('.quick-input-widget:visible input:visible').first();
  await page.getByText('Add Secret (1 of 2)').waitFor();
  await input.fill('API_TOKEN');
  await page.keyboard.press('Enter');
  await page.getByText('Add Secret (2 of 2)').waitFor();
  expect(await input.getAttribute('type')).toBe('password');
  await input.fill(value);
  await page.keyboard.press('Enter');
  await row(/^SecretsAPI_TOKEN, HF_TOKEN, S3_KEY/).waitFor();
  await row(/^Secrets/)
    .locator('.monaco-tl-twistie')
    .click();
  expect(await menuOf(/^S3_KEY/)).toEqual(['Copy ID', 'Remove Secret']);
  await row(/^S3_KEY/).click();
  await page.keyboard.press('Delete');
  await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Remove' }).click();
  await row(/^SecretsAPI_TOKEN, HF_TOKEN$/).waitFor();
  await inEachTheme(window.workbench, ({ name }) => takePicture(window.workbench, `emulator.${name}`));
});

it('a clean-up that would free nothing worth a restart says so', async () => {
  const before = (await scene.emulator()).pid;
  await press(/^Disk/, 'Clean Up Data Folder');
  await window.workbench.toast(/There is nothing to clean up: only \S+ k?B would be freed\./);
  await window.workbench.command('Notifications: Clear All Notifications');
  expect((await scene.emulator()).pid).toBe(before);
});

it('a clean-up says how much it frees, and frees it', async () => {
  const unused = join(scene.dataDir, 'environments', 'f'.repeat(64));
  await mkdir(unused, { recursive: true });
  await writeFile(join(unused, 'torch.so'), Buffer.alloc(30_000_000, 1));
  const { page, command } = window.workbench;
  await command('fal: Refresh Emulator');
  await row(/^Disk3\d MB · 1 environment/).waitFor();
  const before = (await scene.emulator()).pid;
  await press(/^Disk/, 'Clean Up Data Folder');
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.getByText('Free about 30 MB in the data folder?').waitFor();
  await takePicture(window.workbench, 'emulator-clean.dark');
  await dialog.getByRole('button', { name: 'Clean Up' }).click();
  await window.workbench.toast(/are free again/);
  expect(await readdir(join(scene.dataDir, 'environments')).catch(() => [])).toEqual([]);
  expect((await scene.emulator()).pid).not.toBe(before);
  await row(/^Disk.*0 environments/).waitFor();
  expect([...(await secretNames())].toSorted()).toEqual(['API_TOKEN', 'HF_TOKEN']);
});

it('no value of a secret is in a file of the editor or of the emulator', async () => {
  const inEditor = join(scene.vscode.dataDir, 'data');
  const files = [
    ...(await readdir(scene.dataDir)).map((name) => join(scene.dataDir, name)),
    ...(await readdir(inEditor, { recursive: true })).map((name) => join(inEditor, name)),
  ];
  const read = (await Promise.all(files.map((file) => readFile(file, 'latin1').catch(() => undefined)))).flatMap(
    (text, index) => (text === undefined ? [] : [{ file: files[index] ?? '', text }]),
  );
  for (const name of ['emulator.log', 'fal.log']) expect(read.some(({ file }) => file.endsWith(name))).toBe(true);
  expect(read.filter(({ text }) => text.includes(value)).map(({ file }) => file)).toEqual([]);
});
