import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { statusSchema } from '../../emulator/wire/status.ts';
import { mustRun } from '../support/process.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  scene = await setScene({ settings: { 'minifal.pythonPath': '' } });
  await mustRun('python3', ['-m', 'venv', '--without-pip', join(scene.workspace, '.venv')]);
  window = await scene.open();
});
afterAll(() => scene?.close());

const inFolder = () => join(scene.workspace, '.vscode', 'settings.json');

/** What the file sets as the Python; nothing while the editor creates or writes it. */
const pythonIn = (file: string): Promise<unknown> =>
  readFile(file, 'utf8')
    .then((text) => JSON.parse(text)['minifal.pythonPath'])
    .catch(() => undefined);

/**
 * The rows of the open list, as `label description detail heading`, once it is complete (rows move until then) and each
 * of the patterns fits one of them.
 */
async function rows(...patterns: readonly RegExp[]): Promise<readonly string[]> {
  const list = window.workbench.page.locator('.quick-input-widget:visible');
  await list.getByText('Choose the Python for fal').waitFor();
  return until(`rows match ${patterns.join(', ')}`, async () => {
    if ((await list.locator('.monaco-progress-container.active').count()) > 0) return undefined;
    // A list of the editor keeps its elements in another order than on the screen.
    const found: { readonly at: number; readonly text: string }[] = [];
    for (const row of await list.locator('.monaco-list-row').all()) {
      const [text = ''] = await row.allInnerTexts();
      found.push({ at: Number(await row.getAttribute('data-index')), text: text.replaceAll(/\s+/g, ' ') });
    }
    const texts = found.toSorted((a, b) => a.at - b.at).map(({ text }) => text);
    return patterns.every((pattern) => texts.some((text) => pattern.test(text))) ? texts : undefined;
  });
}

const inVenv = /\.venv\/bin\/python/;
const onPath = /Python 3\.\d+\.\d+.*\/python3?.*PATH/;

it('a list shows the interpreters found, each with its version, its place and its fal', async () => {
  await window.workbench.command('fal: Choose Python…');
  const shown = await rows(inVenv, onPath);
  await takePicture(window.workbench, 'choose-python.dark');
  expect(shown[0]).toMatch(/Python 3\.\d+\.\d+.*\.venv\/bin\/python.*fal not installed/);
  const { page } = window.workbench;
  const input = page.locator('.quick-input-widget:visible input[placeholder]').first();
  const inUse = /^In use: Python 3\.\d+\.\d+, \/\S+\. fal needs 3\.\d+ to 3\.\d+\.$/;
  await until('it says which one is used', async () => inUse.test((await input.getAttribute('placeholder')) ?? ''));
  await page.keyboard.type('Browse');
  await page.locator('.quick-input-widget:visible').getByText('Browse…').first().waitFor();
  await page.keyboard.press('Escape');
});

it('an interpreter of the folder becomes the setting of the folder, another one that of the machine', async () => {
  await window.workbench.command('fal: Choose Python…');
  await rows(inVenv);
  await window.workbench.pick('.venv/bin/python');
  const python = join(scene.workspace, '.venv', 'bin', 'python');
  await until('the folder has the setting', async () => (await pythonIn(inFolder())) === python);

  await rm(inFolder());
  await window.workbench.command('fal: Choose Python…');
  const outside = (await rows(onPath)).find((row) => row.includes('PATH')) ?? '';
  const [, path] = /(\/\S*python[\d.]*)/.exec(outside) ?? [];
  expect(path).toBeDefined();
  await window.workbench.pick(path ?? '');
  const machine = join(scene.vscode.dataDir, 'data', 'Machine', 'settings.json');
  await until('the machine has the setting', async () => (await pythonIn(machine)) === path);
  await expect(readFile(inFolder())).rejects.toThrow('ENOENT');
});

it('a deploy without fal asks in a list, installs fal with uv into the environment, and continues', async () => {
  await window.workbench.command('fal: Choose Python…');
  await rows(inVenv);
  await window.workbench.pick('.venv/bin/python');
  await window.workbench.command('fal: Deploy to Emulator', 'Hello');
  const question = window.workbench.page.locator('.quick-input-widget:visible');
  await question.getByText(/fal is not installed for Python 3\.\d+/).waitFor();
  await takePicture(window.workbench, 'fal-not-installed.dark');
  await window.workbench.pick('Install fal');
  await until(
    'the app is deployed',
    async () => {
      const emulator = await scene.emulator();
      const key = (await readFile(join(scene.dataDir, 'key'), 'utf8')).trim();
      const headers = { authorization: `Key ${key}` };
      const answer = await fetch(`http://localhost:${emulator.ports.api}/minifal/status`, { headers });
      return statusSchema.parse(await answer.json()).apps.some(({ alias }) => alias === 'hello');
    },
    { timeoutMs: 120_000 },
  );
  const python = join(scene.workspace, '.venv', 'bin', 'python');
  await mustRun(python, ['-c', 'import fal, fal_client']);
});
