import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { isAlive, type ProcessIdentity } from '../../emulator/local/data-folder.ts';
import { liveWindows } from '../../extension/process/windows.ts';
import { processIdentity, processTree } from '../support/procfs.ts';
import { until } from '../support/wait.ts';
import { type FalWindow, openFalWindow } from './fal-window.ts';
import { hasEnded, helpersOf, noRunsIn, theHelperOf } from './run-helpers.ts';
import { type Scene, setScene } from './scene.ts';

const failing = `import fal


class Broken(fal.App):
    machine_type = "XS"

    def setup(self):
        raise RuntimeError("There are no weights.")

    @fal.endpoint("/")
    def answer(self) -> str:
        return "yes"
`;

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  scene = await setScene();
  await writeFile(join(scene.workspace, 'broken.py'), failing);
  window = await scene.open();
  await window.showApps();
});
afterAll(() => scene?.close());

const helpers = () => helpersOf(scene);
const theHelper = () => theHelperOf(scene);
const noRuns = () => noRunsIn(scene);

const terminals = (name: string | RegExp) =>
  window.workbench.page.locator('.terminal-tabs-entry').filter({ hasText: name });

async function run(app: string): Promise<ProcessIdentity> {
  await window.workbench.command('fal: Run App', app);
  return theHelper();
}

async function reload(): Promise<void> {
  await window.workbench.page.reload();
  window = await openFalWindow(window.workbench.page);
  await window.showApps();
}

it('keeps a run through a reload, in a terminal of the same name, and still stops it', async () => {
  const { pid } = await run('Slow');
  await window.status(/fal: local.*1/);
  await reload();
  await terminals('run Slow').waitFor();
  expect((await theHelper()).pid).toBe(pid);
  await window.workbench.command('fal: Stop Run');
  await noRuns();
});

it('stops the run of a restarted task', async () => {
  const { pid } = await run('Slow');
  await window.workbench.command('Tasks: Restart Running Task');
  const next = await until(
    'another run is running, and the first one has ended',
    () => {
      const [one, ...others] = helpers();
      return one && others.length === 0 && one.pid !== pid && processTree(one.pid).length > 1 && one;
    },
    { timeoutMs: 60_000 },
  );
  await window.workbench.command('fal: Stop Run');
  await noRuns();
  await until('its helper has ended', () => !isAlive(next));
});

it('restarts a task after another one was started', async () => {
  const { pid } = await run('Slow');
  await window.workbench.command('fal: Deploy to Emulator', 'Hello');
  await window.workbench.toast(/is deployed/);
  await window.workbench.command('Notifications: Clear All Notifications');
  await window.workbench.command('Tasks: Restart Running Task');
  await until('another run is running', () => helpers().some((one) => one.pid !== pid), { timeoutMs: 60_000 });
  await until('the first one has ended', () => helpers().length === 1);
  await window.workbench.command('fal: Stop Run');
  await noRuns();
});

it('begins each run of a row of ten, and ends each', async () => {
  for (let round = 0; round < 10; round++) {
    await run('Slow');
    await window.workbench.command('fal: Stop Run');
    await noRuns();
  }
});

it('runs an app again in the place of its run, whose lens says that its code has changed', async () => {
  const { page } = window.workbench;
  const settings = join(scene.workspace, '.vscode', 'settings.json');
  await mkdir(join(scene.workspace, '.vscode'), { recursive: true });
  await writeFile(settings, '{ "minifal.hotReload": "off" }');
  onTestFinished(() => rm(settings, { force: true }));
  const first = await run('Slow');
  await window.workbench.openFile('slow.py');
  const lens = (text: RegExp) => page.locator('.editor-instance .codelens-decoration').filter({ hasText: text });
  await lens(/Run Local.*● idle, kept warm$/).waitFor({ timeout: 60_000 });
  const file = join(scene.workspace, 'slow.py');
  await writeFile(file, (await readFile(file, 'utf8')).replace('keep_alive = 60', 'keep_alive = 90'));
  await lens(/Run Again.*● idle, kept warm,.code changed$/).waitFor();
  await window.picture('code-changed');
  await page.mouse.move(900, 600);
  await lens(/Run Again/)
    .getByText('Run Again')
    .click();
  const second = await until(
    'another run is the only one',
    () => {
      const [one, ...others] = helpers();
      return one && others.length === 0 && one.pid !== first.pid && one;
    },
    { timeoutMs: 60_000 },
  );
  await lens(/Run Local.*● idle, kept warm$/).waitFor({ timeout: 60_000 });
  await terminals('run Slow').waitFor();
  expect((await theHelper()).pid).toBe(second.pid);
  await window.workbench.command('fal: Stop Run');
  await noRuns();
  await window.workbench.command('View: Close All Editors');
});

it('finds all apps of a folder that is moved into the workspace', async () => {
  const outside = join(scene.dataDir, '..', 'many');
  const source = (name: string) => failing.replace('Broken', name);
  for (let group = 0; group < 8; group++) {
    await mkdir(join(outside, `group${group}`, 'deep', 'deeper'), { recursive: true });
    for (let app = 0; app < 3; app++) {
      await writeFile(
        join(outside, `group${group}`, 'deep', 'deeper', `app${app}.py`),
        source(`Copied${group}x${app}`),
      );
    }
  }
  await rename(outside, join(scene.workspace, 'many'));
  // Only rows on the screen exist in the page.
  const { page } = window.workbench;
  await page.setViewportSize({ width: 1280, height: 6000 });
  const copied = async () => (await window.rows()).filter((row) => /^Copied\dx\d /.test(row));
  await until('all are shown', async () => (await copied()).length === 24).catch(async (error: Error) => {
    throw new Error(`${error.message}; shown are ${JSON.stringify(await window.rows())}`);
  });
  await page.setViewportSize({ width: 1280, height: 800 });
  await rm(join(scene.workspace, 'many'), { recursive: true });
});

it('reports a run whose helper was killed, and leaves no process behind', async () => {
  const helper = await run('Slow');
  const processes = processTree(helper.pid).map(processIdentity);
  process.kill(helper.pid, 'SIGKILL');
  await window.workbench.toast(/Slow/);
  await until('nothing is left', () => processes.every(hasEnded), {
    timeoutMs: 30_000,
  });
  await window.workbench.command('Notifications: Clear All Notifications');
});

it('keeps a local terminal through a reload, with its variables and commands', async () => {
  const answer = join(scene.workspace, 'answer');
  const answers = async (...lines: readonly string[]) => {
    await until('the terminal has answered', async () =>
      (await readFile(answer, 'utf8').catch(() => '')).startsWith(lines.join('\n')),
    );
    await rm(answer);
  };
  // The list shows only some of many terminals.
  await window.workbench.command('Terminal: Kill All Terminals');
  await window.workbench.command('fal: Open Local Terminal');
  await window.workbench.terminalIsShown('fal (local)');
  await window.workbench.typeInTerminal(`shell=same; echo $shell > '${answer}'`);
  await answers('same');
  await window.workbench.command('View: Show Explorer');
  await window.workbench.command('View: Close All Editors');
  const before = liveWindows(scene.dataDir).map(({ pid }) => pid);
  await window.workbench.page.reload();
  window = await openFalWindow(window.workbench.page);
  await until('the window uses the emulator', () =>
    liveWindows(scene.dataDir).some(({ pid }) => !before.includes(pid)),
  );
  // Alone, the visible terminal has no list.
  await window.workbench.command('Terminal: Create New Terminal');
  await terminals('bash').first().waitFor();
  await terminals('fal (local)').first().waitFor();
  expect(await terminals('fal (local)').count()).toBe(1);
  await window.workbench.selectTerminal('fal (local)');
  await window.workbench.terminalIsShown('fal (local)');
  const { ports } = await scene.emulator();
  await window.workbench.typeInTerminal(`(echo $shell $FAL_HOST; minifal status --json) > '${answer}'`);
  await answers(`same localhost:${ports.api}`, '{');
  await window.workbench.command('fal: Stop Emulator');
  await window.status(/fal: stopped/);
  await window.workbench.typeInTerminal('fal apps list');
  await window.workbench.pressInToast('No emulator is running', 'Start Emulator');
  await window.status(/fal: local/);
  // In this window's settings, each emulator chooses free ports.
  await window.workbench.typeInTerminal('fal apps list');
  await window.workbench.pressInToast('addresses of an earlier emulator', 'Open Local Terminal');
  await until('there are two', async () => (await terminals('fal (local)').count()) === 2);
  await window.workbench.command('Notifications: Clear All Notifications');
  await window.showApps();
});

it('survives the deletion of the data folder: the view has the code, and each button does what it says', async () => {
  await run('Slow');
  // The emulator may write while the folder is being deleted.
  await rm(scene.dataDir, { recursive: true, maxRetries: 10 });
  await noRuns();
  const toast = await window.workbench.toast(/Slow ended with the emulator/);
  await toast.getByRole('button', { name: 'Run Again' }).waitFor();
  await window.row(/^Hello not running/);
  const row = await window.row(/^Slow not running$/);
  await window.picture('stopped');
  await row.hover();
  await row.getByRole('button', { name: 'Run App' }).click();
  await theHelper();
  await scene.emulator();
  await window.workbench.command('fal: Stop Run');
  await noRuns();
});

it('keeps the tree of a killed emulator, greyed, with a row that starts it again', async () => {
  await window.workbench.command('fal: Deploy to Emulator', 'Hello');
  await window.row(/^Hello no runner/);
  await window.workbench.toast(/is deployed/);
  await run('Slow');
  await window.workbench.command('Notifications: Clear All Notifications');
  const { pid } = await scene.emulator();
  process.kill(pid, 'SIGKILL');
  await window.row(/^Hello not running/);
  await window.workbench.toast(/ended unexpectedly/);
  await noRuns();
  // What is tested: the run that failed with the emulator adds no toast.
  await window.workbench.page.waitForTimeout(3_000);
  expect(await toasts()).toEqual([expect.stringMatching(/Run Again.*ended unexpectedly/s)]);
  await window.picture('killed');
  await (await window.row(/^Start Emulator /)).click();
  await window.row(/^Hello no runner/);
  expect((await scene.emulator()).pid).not.toBe(pid);
  await until('the message is gone', async () => (await toasts()).length === 0);
});

it('shows the sentence of a failure in one toast, with its line', async () => {
  await window.workbench.command('Notifications: Clear All Notifications');
  await window.workbench.command('fal: Run App', 'Broken');
  await window.workbench.toast(/Broken did not start: RuntimeError: There are no weights. \(broken.py:8\)/);
  // The progress of the emulator's start may still be leaving the screen.
  await expect.poll(toasts, { timeout: 30_000 }).toEqual([expect.stringContaining('Broken did not start')]);
  await window.workbench.pressInToast('Broken did not start', 'Go to Line');
  await window.workbench.page.locator('.tab.active').filter({ hasText: 'broken.py' }).waitFor();
  await window.workbench.page.locator('.statusbar-item').filter({ hasText: 'Ln 8,' }).waitFor();
});

function toasts(): Promise<readonly string[]> {
  return window.workbench.page.locator('.notification-toast').allInnerTexts();
}

it('ends its runs soon after the window was closed, which the next window says', async () => {
  const helper = await run('Slow');
  const processes = processTree(helper.pid).map(processIdentity);
  await window.close();
  await noRuns();
  await until('nothing is left', () => processes.every(hasEnded), { timeoutMs: 30_000 });
  window = await scene.open();
  const stopped = 'Stopped, because no window was open for 30 seconds: Slow';
  await window.workbench.toast(stopped);
  await window.showApps();
  await window.row(/^Slow not running · stopped with its window$/);
  await window.picture('stopped-alone');
  await window.workbench.pressInToast(stopped, 'Run Again');
  await theHelper();
  await window.workbench.command('fal: Stop Run');
  await noRuns();
  await window.row(/^Slow not running$/);
});
