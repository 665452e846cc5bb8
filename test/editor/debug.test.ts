import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { readLocalKey } from '../../emulator/local/data-folder.ts';
import { statusSchema } from '../../emulator/wire/status.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { takePicture, takePictures } from './pictures.ts';
import { lensOf, noRunsIn, openPainter, theHelperOf } from './run-helpers.ts';
import type { Scene } from './scene.ts';

const app = `import time

import fal


class Painter(fal.App):
    machine_type = "XS"

    def setup(self):
        self.model = str(time.time())

    @fal.endpoint("/")
    def answer(self) -> list[str]:
        word = "first"
        words = [word, self.model]
        return words
`;

let scene: Scene;
let window: FalWindow;
let headers: Record<string, string> = {};
let queue = '';
/** What `setup()` made. */
let model = '';

beforeAll(async () => {
  ({ scene, window } = await openPainter(app));
  await lens(/not running$/);
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `debug-failed-${task.name.slice(0, 30)}`);
});

const lens = (text: RegExp) => lensOf(window, text);

/** Puts the cursor at the end of a line of the open file. */
async function goTo(line: string): Promise<void> {
  const { page } = window.workbench;
  await page.locator('.editor-instance .view-line').filter({ hasText: line }).first().click();
  await page.keyboard.press('End');
}

/** Replaces a line but for its indentation, and saves. */
async function edit(line: string, text: string): Promise<void> {
  const { page, command } = window.workbench;
  await goTo(line);
  await page.keyboard.press('Shift+Home');
  await page.keyboard.insertText(text);
  await command('File: Save');
}

/** Puts a call into the queue; resolves with its address. */
async function submit(): Promise<string> {
  const response = await fetch(queue, { method: 'POST', headers, body: '{}' });
  const { request_id: id } = (await response.json()) as { readonly request_id: string };
  return `${queue}/requests/${id}`;
}

async function stateOf(request: string): Promise<string> {
  const answer = (await (await fetch(`${request}/status`, { headers })).json()) as { readonly status: string };
  return answer.status;
}

async function answerTo(request: string): Promise<readonly string[]> {
  await until('the request is completed', async () => (await stateOf(request)) === 'COMPLETED', { timeoutMs: 60_000 });
  return (await fetch(request, { headers })).json() as Promise<readonly string[]>;
}

/** The line at which the debugger has stopped is marked. */
const isStopped = () =>
  window.workbench.page.locator('.editor-instance .debug-top-stack-frame-line').first().waitFor({ timeout: 60_000 });

async function resume(): Promise<void> {
  const { page, command } = window.workbench;
  await command('Debug: Continue');
  await page.locator('.editor-instance .debug-top-stack-frame-line').first().waitFor({ state: 'hidden' });
}

/** The rows of the view "Variables", with the local ones unfolded. */
async function variables(): Promise<readonly string[]> {
  const rows = window.workbench.page.locator('.debug-variables [role=treeitem]');
  const folded = rows.filter({ hasText: /^Locals/ }).and(window.workbench.page.locator('[aria-expanded=false]'));
  // It may unfold by itself meanwhile.
  if ((await folded.count()) > 0)
    await folded
      .first()
      .click({ timeout: 2_000 })
      .catch(() => undefined);
  return (await rows.allInnerTexts()).map((row) => row.replaceAll('\u00a0', ' ').replaceAll(/\s+/g, ' ').trim());
}

async function endSession(): Promise<void> {
  await window.workbench.page.keyboard.press('Shift+F5');
  await until('no toolbar is shown', async () => (await toolbars()) === 0);
}

const toolbars = () => window.workbench.page.locator('.debug-toolbar:visible').count();

it('F5 without a launch.json runs the app, and stops a queued request at a breakpoint', async () => {
  const { page, command } = window.workbench;
  await goTo('words = [word');
  await command('Debug: Toggle Breakpoint');
  await page.locator('.editor-instance .codicon-debug-breakpoint').first().waitFor();
  await page.keyboard.press('F5');
  await theHelperOf(scene);
  await lens(/● idle, kept warm$/);
  const { ports } = await scene.emulator();
  headers = { authorization: `Key ${readLocalKey(scene.dataDir)}`, 'content-type': 'application/json' };
  const status = await fetch(`http://localhost:${ports.api}/minifal/status`, { headers });
  const [runner] = statusSchema.parse(await status.json()).runners;
  queue = `http://localhost:${ports.queue}/local/${runner?.alias}`;
  await window.row(/^runner 1 idle .*debugger/);
  const request = await submit();
  await isStopped();
  await until('the variables are shown', async () => (await variables()).some((row) => /^word = 'first'/.test(row)));
  await lens(/◉ paused in debugger, kept warm$/);
  expect(await stateOf(request)).toBe('IN_PROGRESS');
  await takePictures(window.workbench, 'debug-stopped');
  await window.showApps();
  await window.row(/^runner 1 paused in debugger/);
  await takePictures(window.workbench, 'debug-row');
  await resume();
  const [word, made = ''] = await answerTo(request);
  expect(word).toBe('first');
  model = made;
  await lens(/● idle, kept warm$/);
});

it('shows what the threads of a stopped runner do, with links to the code', async () => {
  const { page, command, openFile } = window.workbench;
  const request = await submit();
  await isStopped();
  await command('fal: What Is It Doing?', 'runner 1');
  await page
    .locator('.editor-instance .view-line')
    .filter({ hasText: /painter\.py",\sline\s15,\sin\s(Painter\.)?answer/ })
    .waitFor();
  await window.picture('debug-stacks');
  await openFile('painter.py');
  await resume();
  await answerTo(request);
});

it('an edit while stopped: the call finishes on its code, and the next one stops in the new code', async () => {
  const request = await submit();
  await isStopped();
  await edit('return words', 'return [*words, "new"]');
  await lens(/◉ reload waits for the debugger/);
  await window.picture('debug-reload-waits');
  await resume();
  expect(await answerTo(request)).toEqual(['first', model]);
  await lens(/● reloaded in .*, model kept$/);
  const next = await submit();
  await isStopped();
  await resume();
  expect(await answerTo(next)).toEqual(['first', model, 'new']);
});

it('a restart by an edit of setup() is debugged in the same session', async () => {
  await edit('self.model = ', 'self.model = "model " + str(time.time())');
  await lens(/● restarted: .*, \d+(\.\d)? m?s$/);
  expect(await toolbars()).toBe(1);
  const request = await submit();
  await isStopped();
  expect(await toolbars()).toBe(1);
  await window.picture('debug-restarted');
  await resume();
  expect((await answerTo(request))[1]).toMatch(/^model /);
});

it('after the session, the run answers as before', async () => {
  await endSession();
  expect((await answerTo(await submit()))[0]).toBe('first');
  await window.showApps();
  await window.row(/^runner \d+ idle (?!.*debugger)/);
});

it('attaches to the runner of a row, and leaves it running', async () => {
  const { page } = window.workbench;
  await (await window.row(/^runner \d+ idle (?!.*debugger)/)).click({ button: 'right' });
  // The menu ignores clicks for a moment after it has opened.
  await page.locator('.monaco-menu .action-item').filter({ hasText: 'Attach Debugger' }).hover();
  await page.keyboard.press('Enter');
  await until('a toolbar is shown', async () => (await toolbars()) === 1, { timeoutMs: 60_000 });
  const request = await submit();
  await isStopped();
  await window.picture('debug-attached');
  await resume();
  const answer = await answerTo(request);
  await endSession();
  await window.showApps();
  await window.row(/^runner \d+ idle (?!.*debugger)/);
  expect(await answerTo(await submit())).toEqual(answer);
});

it('ends the run with its session if the user wants that', async () => {
  await scene.vscode.changeSettings({ ...scene.options.settings, 'minifal.debug.stopOnEnd': true });
  await goTo('words = [word');
  await window.workbench.page.keyboard.press('F5');
  await window.showApps();
  await window.row(/^runner \d+ idle .*debugger/);
  await endSession();
  await noRunsIn(scene);
});
