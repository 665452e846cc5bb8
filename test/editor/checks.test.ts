import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, it } from 'vitest';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

const source = `import time

import fal


class Sleeper(fal.App):
    machine_type = "H100"

    @fal.endpoint("/")
    async def answer(self) -> str:
        time.sleep(0.01)
        return "yes"
`;

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  // Nothing is run, so a folder that isn't trusted is checked, too.
  scene = await setScene({ folder: 'empty', trust: 'ask' });
  await writeFile(join(scene.workspace, 'sleeper.py'), source);
  window = await scene.open();
  await window.workbench.openFile('sleeper.py');
  await window.workbench.command('Problems: Focus on Problems View');
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `checks-failed-${task.name.slice(0, 20)}`);
});

async function problems(): Promise<readonly string[]> {
  const rows = await window.workbench.page.locator('.markers-panel [role=treeitem]').allInnerTexts();
  return rows.map((row) => row.replaceAll('\u00a0', ' ').replaceAll(/\s+/g, ' ').trim());
}

async function problem(text: RegExp): Promise<void> {
  await until(`a problem matches ${text}`, async () => (await problems()).some((row) => text.test(row)));
}

async function solved(text: RegExp): Promise<void> {
  await until(`no problem matches ${text}`, async () => !(await problems()).some((row) => text.test(row)));
}

/** Chooses a quick fix at a text of the open file. The list closes when the problems of the file change. */
async function fix(at: string, title: string): Promise<void> {
  const { page } = window.workbench;
  await until(`${title} is chosen`, async () => {
    await page.locator('.editor-instance .view-line span span').filter({ hasText: at }).last().click();
    await page.keyboard.press('Control+.');
    const row = page.locator('.action-widget:visible .monaco-list-row').filter({ hasText: title });
    return row.click({ timeout: 5_000 }).then(
      () => true,
      () => false,
    );
  });
}

it('finds mistakes in a file that is opened, and solves them by quick fixes', async () => {
  await problem(/There is no machine type "H100".*fal.*machine-type/);
  await problem(/time\.sleep blocks the event loop.*fal.*blocking-call/);
  await inEachTheme(window.workbench, ({ name }) => takePicture(window.workbench, `checks.${name}`));
  await fix('H100', 'Use GPU-H100');
  await solved(/machine type/);
  await fix('sleep', 'Make answer a def');
  await solved(/blocks/);
  await window.workbench.command('File: Save');
  const fixed = source.replace('"H100"', '"GPU-H100"').replace('async def', 'def');
  await until('the file is saved', async () => (await readFile(join(scene.workspace, 'sleeper.py'), 'utf8')) === fixed);
});

it('finds a mistake soon after it was typed, and none when the setting is off', async () => {
  const { page } = window.workbench;
  await page.locator('.editor-instance .view-line').filter({ hasText: 'GPU-H100' }).click();
  await page.keyboard.press('End');
  await page.keyboard.type('\nrequirements = ["idna"]');
  await problem(/The requirement idna has no fixed version/);
  const settings = join(scene.workspace, '.vscode');
  await mkdir(settings);
  await writeFile(join(settings, 'settings.json'), JSON.stringify({ 'minifal.checks.enabled': false }));
  await solved(/idna/);
});
