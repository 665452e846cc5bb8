import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  scene = await setScene({ folder: 'empty' });
  window = await scene.open();
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `new-app-failed-${task.name.slice(0, 20)}`);
});

const steps = {
  python: 'Choose Python',
  fal: 'Install the fal Command',
  app: 'Create an App',
  run: 'Run and Call It',
  break: 'Break It',
} as const;

const files = async (folder = '.') => (await readdir(join(scene.workspace, folder))).toSorted();

/** Shows the walkthrough at a step. */
async function showStep(step: keyof typeof steps): Promise<void> {
  const { page, command } = window.workbench;
  await command('fal: Get Started');
  const title = page.locator('.getting-started-step .step-title').filter({ hasText: steps[step] });
  await title.first().click();
}

async function pressInStep(step: keyof typeof steps, button: string): Promise<void> {
  await showStep(step);
  await window.workbench.page
    .locator('.getting-started-step')
    .getByRole('button', { name: button, exact: true })
    .click();
}

const isDone = async (step: keyof typeof steps): Promise<boolean> => {
  const box = window.workbench.page.locator(`[data-done-step-id$="#${step}"]`).first();
  return (await box.getAttribute('aria-checked')) === 'true';
};

/** Waits until an editor on the screen contains the text. */
async function shown(text: RegExp): Promise<void> {
  const fits = window.workbench.page.locator('.editor-instance .view-lines').filter({ hasText: text });
  await fits.first().waitFor({ timeout: 90_000 });
}

it('the walkthrough has five steps with a picture each, and checks off those that are done already', async () => {
  const { page } = window.workbench;
  // Wide enough for the pictures.
  await page.setViewportSize({ width: 1600, height: 800 });
  for (const step of Object.keys(steps) as (keyof typeof steps)[]) {
    await showStep(step);

    await takePicture(window.workbench, `walkthrough-${step}.dark`);
  }
  await until('Python and fal are found', async () => (await isDone('python')) && (await isDone('fal')));
  expect([await isDone('app'), await isDone('run'), await isDone('break')]).toEqual([false, false, false]);
  await inEachTheme(window.workbench, ({ name }) => takePicture(window.workbench, `walkthrough.${name}`));
  await page.setViewportSize({ width: 1280, height: 800 });
});

it('a new app goes into the empty folder and is opened; the next one goes into a folder of its own', async () => {
  const { page, command, pick } = window.workbench;
  await pressInStep('app', 'New App…');
  await page
    .getByText('Writes into this folder: app.py, pyproject.toml, README.md, request.json, expected.json', {
      exact: true,
    })
    .first()
    .waitFor();
  await takePicture(window.workbench, 'new-app.dark');
  await pick('hello');
  await pick('Keep');
  await page.locator('.quick-input-title').getByText('Keep-alive in seconds', { exact: true }).waitFor();
  const input = page.locator('.quick-input-widget input');
  await input.fill('many');
  await page.getByText('Use a whole number from 0 to 86400.').waitFor();
  await input.fill('90');
  await page.keyboard.press('Enter');
  await page.locator('.quick-input-list').getByText('90', { exact: true }).waitFor();
  await takePicture(window.workbench, 'new-app-values.dark');
  await pick('Create');
  await page.locator('.tab.active').filter({ hasText: 'app.py' }).waitFor();
  expect(await files()).toEqual(['README.md', 'app.py', 'expected.json', 'pyproject.toml', 'request.json']);
  expect(await readFile(join(scene.workspace, 'app.py'), 'utf8')).toContain('keep_alive = 90\n');
  await showStep('app');
  await until('the step is done', () => isDone('app'));

  await command('fal: New App…');
  await page
    .getByText('Writes into the new folder hello: app.py, pyproject.toml, README.md, request.json, expected.json', {
      exact: true,
    })
    .first()
    .waitFor();
  await page.keyboard.press('Escape');
});

it('the walkthrough runs the app and calls it: the answer appears next to the request', async () => {
  const { page } = window.workbench;
  await pressInStep('run', 'Run and Call');
  await shown(/Hello,.world!/);
  await shown(/"name":."world"/);
  const lenses = page.locator('.codelens-decoration');
  for (const text of ['Send to Queue', 'Copy as curl', 'Replay']) await lenses.filter({ hasText: text }).waitFor();
  await inEachTheme(window.workbench, ({ name }) => takePicture(window.workbench, `first-answer.${name}`));
  await showStep('run');
  await until('the step is done', () => isDone('run'));
});

it('the walkthrough runs the changed app and calls it: the answer is its exception', async () => {
  const file = join(scene.workspace, 'app.py');
  const code = await readFile(file, 'utf8');
  await writeFile(file, code.replace('print(f"Saying', 'raise KeyError(input.name)\n        print(f"Saying'));
  await pressInStep('break', 'Run and Call Again');
  await shown(/KeyError|Internal.Server.Error/);
  await takePicture(window.workbench, 'first-failure.dark');
  await showStep('break');
  await until('the step is done', () => isDone('break'));
  await takePicture(window.workbench, 'walkthrough-done.dark');
});

it('a second app goes into a folder of its own, and has its name', async () => {
  const { command, pick, page } = window.workbench;
  await command('fal: New App…');
  await pick('hello');
  await page.locator('.quick-input-list').getByText('Create, Run and Call').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  expect(await files()).not.toContain('hello');
  await command('fal: New App…');
  await pick('hello');
  await pick('Folder');
  await page.locator('.quick-input-title').getByText('Folder', { exact: true }).waitFor();
  await page.locator('.quick-input-widget input').fill('greeter');
  await page.keyboard.press('Enter');
  await pick('Create');
  await until('the second app is there', async () => {
    const written = await files('greeter').catch(() => []);
    return written.join() === 'README.md,app.py,expected.json,pyproject.toml,request.json';
  });
  expect(await readFile(join(scene.workspace, 'greeter', 'app.py'), 'utf8')).toContain('app_name = "greeter"\n');
});

it('a template shows its README, while the list of templates stays open', async () => {
  const { command, page } = window.workbench;
  await command('View: Close All Editors');
  await command('fal: New App…');
  const row = page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'The smallest fal app' });
  await row.hover();
  await row.locator('.quick-input-list-entry-action-bar .action-label').first().click();
  await page.locator('.tab').filter({ hasText: 'Preview README.md' }).waitFor();
  await row.waitFor();
  await page.keyboard.press('Escape');
});

// The packages of ocr are installed in the first start; then, uv has them.
it.each([
  ['hello', 'caller', /"message":."Hello,.world!"/],
  // It has a second endpoint. Its secret isn't set.
  ['secrets-and-data', 'signer', /"detail":."The.app.has.no.key/],
  ...(process.env.MINIFAL_SLOW ? ([['ocr', 'reader', /"text":."Hello"/]] as const) : []),
] as const)('a new app of %s is created, run and called with one item', async (template, folder, answer) => {
  const { command, pick, page } = window.workbench;
  await command('View: Close All Editors');
  const start = performance.now();
  await command('fal: New App…');
  await pick(template);
  await pick('Folder');
  await page.locator('.quick-input-title').getByText('Folder', { exact: true }).waitFor();
  await page.locator('.quick-input-widget input').fill(folder);
  await page.keyboard.press('Enter');
  await pick('Create, Run and Call');
  await shown(answer);
  console.log(`From New App to the first answer of ${template}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  expect(await files(folder)).toContain('app.py');
});

it('a new app that is only an image shows its README, because its code has nothing to click', async () => {
  const { command, pick, page } = window.workbench;
  await command('View: Close All Editors');
  await command('fal: New App…');
  await pick('server-in-container');
  await pick('Create');
  await page.locator('.tab.active').filter({ hasText: 'Preview README.md' }).waitFor();
});

it('the terminal has the minifal command, which finds the emulator of the window', async () => {
  const { command, terminalIsShown, typeInTerminal } = window.workbench;
  await command('fal: Open Local Terminal');
  await terminalIsShown('fal (local)');
  await typeInTerminal('minifal status --json > status.json; echo $? > code');
  const code = () => readFile(join(scene.workspace, 'code'), 'utf8').catch(() => '');
  await until('the command has ended', async () => (await code()).trim() !== '');
  expect((await code()).trim()).toBe('0');
  const { pid } = await scene.emulator();
  expect(JSON.parse(await readFile(join(scene.workspace, 'status.json'), 'utf8'))).toMatchObject({ pid });
});
