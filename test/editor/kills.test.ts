import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { commandLine, processIdentity, processTree } from '../support/procfs.ts';
import { until } from '../support/wait.ts';
import { callsOnScreen } from './calls-on-screen.ts';
import { type FalWindow, openFalWindow } from './fal-window.ts';
import { takePicture } from './pictures.ts';
import { hasEnded, helpersOf, noRunsIn, theHelperOf } from './run-helpers.ts';
import { type Scene, setScene } from './scene.ts';
import { stateIsStored } from './stored-state.ts';

// What is lost when a window, its extension host, the emulator or its folder ends in the middle of a run or a call.

let scene: Scene;
let window: FalWindow;
const { shown, clickLens, write } = callsOnScreen(() => window);

beforeAll(async () => {
  scene = await setScene({ settings: { 'editor.autoClosingQuotes': 'never', 'editor.autoSurround': 'never' } });
  const request = { $schema: 'fal-call:/slow.py::Slow', seconds: 30 };
  await writeFile(join(scene.workspace, 'slow.fal.json'), `${JSON.stringify(request, null, 2)}\n`);
  window = await scene.open();
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `kills-failed-${task.name.slice(0, 20)}`);
});

async function reload(): Promise<void> {
  await window.workbench.page.reload();
  window = await openFalWindow(window.workbench.page);
}

const extensionHosts = () =>
  processTree(scene.vscode.pid).filter((one) => commandLine(one).includes('--type=extensionHost'));

/** Whether the status bar has had a text since this call: one that is shown for a moment may end between two looks. */
async function watchStatus(text: RegExp): Promise<() => Promise<boolean>> {
  const { page } = window.workbench;
  await page.evaluate(`(() => {
    const bar = document.querySelector('.statusbar');
    window.statusWasSeen = false;
    new MutationObserver(() => { window.statusWasSeen ||= ${text}.test(bar.textContent); })
      .observe(bar, { subtree: true, childList: true, characterData: true });
  })()`);
  return () => page.evaluate<boolean>('window.statusWasSeen');
}

async function command(title: string, ...picks: readonly string[]): Promise<void> {
  await window.workbench.command(title, ...picks);
}

it('joins a run after a reload, although nothing in the window concerns fal', async () => {
  await command('fal: Run App', 'Slow');
  const { pid } = await theHelperOf(scene);
  await window.status(/fal: local.*1/);
  await command('View: Close All Editors');
  await reload();
  await window.workbench.page.locator('.terminal-tabs-entry').filter({ hasText: 'run Slow' }).waitFor();
  expect((await theHelperOf(scene)).pid).toBe(pid);
});

it('joins a run when the extension host was killed, and its lens shows that it runs', async () => {
  await window.workbench.openFile('slow.py');
  await shown(/Run Local \|(?!.*not running)/, /class Slow/);
  const { pid } = await theHelperOf(scene);
  // That of the window before the reload ends some seconds later.
  const host = await until(
    'there is one extension host',
    () => {
      const [one, ...others] = extensionHosts();
      return others.length === 0 && one;
    },
    { timeoutMs: 60_000 },
  );
  process.kill(host, 'SIGKILL');
  await until('there is another extension host', () => extensionHosts().some((one) => one !== host), {
    timeoutMs: 60_000,
  });
  await window.status(/fal: local.*1/);
  expect((await theHelperOf(scene)).pid).toBe(pid);
  await shown(/Run Local \|(?!.*not running)/, /class Slow/);
  await takePicture(window.workbench, 'kills-host');
});

it('shows that it stops that run, and leaves no process behind', async () => {
  const { pid } = await theHelperOf(scene);
  const processes = processTree(pid).map(processIdentity);
  const isSeen = await watchStatus(/Stopping run Slow/);
  await command('fal: Stop Run');
  await until('its sign was seen', isSeen);
  await noRunsIn(scene);
  await until('nothing is left', () => processes.every(hasEnded), { timeoutMs: 30_000 });
});

it('follows a queued call again after a reload', async () => {
  await command('fal: Deploy to Emulator', 'Slow');
  await window.workbench.toast(/is deployed/);
  await window.workbench.openFile('slow.fal.json');
  await shown(/^Send \| /, /"seconds": 30/);
  await clickLens('Send to Queue');
  await shown(/^(queued|waiting|running).* \| Cancel$/, /^$/);
  await stateIsStored(window, 'Slow · POST ∕ answer.fal.json', 'memento/workbench.parts.editor');
  await reload();
  await shown(/^(queued|waiting|running).* \| Cancel$/, /^$/);
  await shown(/^200 · /, /"slept": 30/);
  // The run that was stopped before stays ended, although the editor starts background tasks again after a reload.
  expect(helpersOf(scene)).toEqual([]);
});

it('says that a direct call ended with its window, and sends it again', async () => {
  await clickLens('Send');
  await shown(/^waiting.* \| Cancel$/, /^$/);
  await reload();
  await shown(/^no answer \| Replay/, /The window was closed before the answer came/);
  await takePicture(window.workbench, 'kills-direct');
  await clickLens('Replay');
  await shown(/^waiting.* \| Cancel$/, /^$/);
  await clickLens('Cancel');
  await shown(/^cancelled · /, /^$/);
});

it('follows a queued call through a kill of the emulator, until it is started again', async () => {
  await write('"seconds"', '"seconds": 5');
  await clickLens('Send to Queue');
  await shown(/^running \| Cancel$/, /^$/);
  process.kill((await scene.emulator()).pid, 'SIGKILL');
  await shown(/^waiting for the emulator \| Cancel$/, /^$/);
  await takePicture(window.workbench, 'kills-waiting');
  await command('fal: Start Emulator');
  await shown(/^200 · /, /"slept": 5/);
});

it('ends a direct call with the emulator, and starts it again to send the call again', async () => {
  await clickLens('Send');
  await shown(/^waiting.* \| Cancel$/, /^$/);
  const { pid } = await scene.emulator();
  process.kill(pid, 'SIGKILL');
  await shown(/^no answer · /, /\S/);
  await takePicture(window.workbench, 'kills-no-answer');
  await clickLens('Replay');
  await shown(/^200 · /, /"slept": 5/);
  expect((await scene.emulator()).pid).not.toBe(pid);
});

it('can cancel a queued call whose data folder was deleted, and sends it to a new emulator', async () => {
  await clickLens('Send to Queue');
  await shown(/^running \| Cancel$/, /^$/);
  await rm(scene.dataDir, { recursive: true, force: true, maxRetries: 10 });
  await shown(/^waiting for the emulator \| Cancel$/, /^$/);
  await clickLens('Cancel');
  await shown(/^no answer · /, /could not be cancelled, because the emulator is not running/);
  await write('"seconds"', '"seconds": 0.5');
  await clickLens('Send');
  await shown(/^200 · /, /"slept": 0.5/);
  // It isn't deployed any more, so it runs.
  expect(helpersOf(scene)).toHaveLength(1);
  await command('fal: Stop Run');
  await noRunsIn(scene);
});
