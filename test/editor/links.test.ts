import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLocalKey } from '../../emulator/local/data-folder.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  // Renders terminal rows as DOM elements instead of a canvas, so that tests can find them.
  scene = await setScene({ settings: { 'terminal.integrated.gpuAcceleration': 'off' } });
  window = await scene.open();
  await window.showApps();
  await window.workbench.command('fal: Deploy to Emulator', 'Hello');
  await window.workbench.toast('Hello is deployed');
  await window.workbench.command('Notifications: Clear All Notifications');
});
afterAll(() => scene?.close());

/** @returns the request's id, once it has its answer */
async function call(): Promise<string> {
  const { ports } = await scene.emulator();
  const headers = { authorization: `Key ${readLocalKey(scene.dataDir)}`, 'content-type': 'application/json' };
  const url = `http://localhost:${ports.queue}/local/hello`;
  const submitted = await (await fetch(url, { method: 'POST', headers, body: '{}' })).json();
  const { request_id: id } = submitted as { readonly request_id: string };
  await until('it is answered', async () => (await fetch(`${url}/requests/${id}/status`, { headers })).status === 200);
  return id;
}

it('makes requests and apps of the emulator links in any terminal, and nothing else', async () => {
  const { workbench } = window;
  const { page } = workbench;
  const { ports } = await scene.emulator();
  const id = await call();
  const strange = `${id.slice(0, -4)}0000`;
  const file = join(scene.workspace, 'links.txt');
  await writeFile(file, `${strange}\n${id}\nhttps://localhost:${ports.run}/local/hello\n`);
  await workbench.command('Terminal: Create New Terminal');
  await workbench.terminalIsShown('bash');
  await workbench.typeInTerminal(`clear; cat ${file}`);
  const rows = page.locator('.terminal-wrapper.active .xterm-rows > div');
  await rows.nth(2).filter({ hasText: 'https' }).waitFor();
  expect(((await rows.nth(0).textContent()) ?? '').trim()).toBe(strange);

  await follow(rows.nth(1));
  const toast = await workbench.toast(/Request #\d+ of hello: completed with 200/);
  expect(await toast.getByRole('button').allInnerTexts()).toEqual(
    expect.arrayContaining(['Copy Request ID', 'Show App', 'Show Log']),
  );
  await takePicture(workbench, 'link-request');
  await workbench.command('Notifications: Clear All Notifications');

  await follow(rows.nth(2));
  await page.locator('.quick-input-widget:visible .label-name').filter({ hasText: 'Copy URL' }).waitFor();
  await takePicture(workbench, 'link-app');
  await workbench.pick('Show in View');
  await page.locator('.sidebar [role=treeitem].focused').filter({ hasText: 'hello' }).waitFor();

  expect(await isLink(rows.nth(0))).toBe(false);
});

/** Points at the beginning of a terminal line. A link is underlined and can be followed only while Ctrl is pressed. */
async function isLink(line: Locator): Promise<boolean> {
  const { page } = window.workbench;
  const box = await line.boundingBox();
  if (!box) throw new Error('the line is not there');
  const [x, y] = [box.x + 40, box.y + box.height / 2];
  const pointer = page.locator('.terminal-wrapper.active .xterm-cursor-pointer');
  await page.mouse.move(x + 300, y + 100);
  let moves = 0;
  // The editor detects the link after a delay, and the Ctrl key with the next mouse move.
  return until(
    'it looks like a link',
    async () => {
      await page.mouse.move(x + (moves++ % 2), y);
      return (await pointer.count()) > 0;
    },
    { timeoutMs: 3_000, everyMs: 100 },
  ).catch(() => false);
}

async function follow(line: Locator): Promise<void> {
  const { page } = window.workbench;
  await page.keyboard.down('Control');
  try {
    await until('the editor has found a link', () => isLink(line)).catch(async (error: Error) => {
      await takePicture(window.workbench, 'link-missing');
      throw error;
    });
    await page.mouse.down();
    await page.mouse.up();
  } finally {
    await page.keyboard.up('Control');
  }
}
