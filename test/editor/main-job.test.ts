import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { takePicture, takePictures } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  scene = await setScene();
  window = await scene.open();
  await window.showApps();
});
afterAll(() => scene?.close());

describe('with the package installed in VS Code', () => {
  it('a view without an emulator shows the apps of the code', async () => {
    await window.row(/^Hello not running/);
    await window.picture('1-stopped');
  });

  it('the palette starts the emulator, and the status bar shows it', async () => {
    await window.workbench.command('fal: Start Emulator');
    await scene.emulator();
    await window.status(/fal: local/);
    await window.picture('2-running');
  });

  it('the palette shows the log of extension and emulator', async () => {
    await window.workbench.command('fal: Show Emulator Log');
    await window.workbench.page
      .locator('.panel .view-lines')
      .filter({ hasText: /\[extension\].starting.the.emulator.*\[emulator\]/ })
      .waitFor();
    await window.picture('2-log');
    await window.workbench.command('View: Toggle Panel Visibility');
  });

  it('the palette deploys the demo, which the tree then shows', async () => {
    await window.workbench.command('fal: Deploy to Emulator', 'Hello');
    await window.row(/^Hello no runner/);
    await window.picture('3-deployed');
  });

  it('the tree shows the runner that a call with the real client starts', async () => {
    expect(await scene.call('local/hello', { name: 'editor' })).toEqual({ message: 'Hello, editor!' });
    // The first runner of an app isn't folded away.
    await window.rowIsSeen(/^runner \d+ idle · stops in \d+ s$/);
    await window.picture('4-idle');
  });

  it('a request opens as a document, and can be replayed', async () => {
    const { page } = window.workbench;
    await (await window.row(/^#1 POST \/ 200 · .* cold/)).click();
    const tab = page.locator('.tab.active').filter({ hasText: 'Request #1.md' });
    await tab.waitFor();
    const hasFocus = (part: string) => page.evaluate(`document.activeElement?.closest('${part}') != null`);
    expect(await hasFocus('.sidebar'), 'a click leaves the focus in the list').toBe(true);
    await page.keyboard.press('Enter');
    await until('Enter moves the focus into the document', () => hasFocus('.editor-instance'));
    const text = page.locator('.editor-instance .view-lines');
    await text.filter({ hasText: /#1.POST.\/.of.hello.*completed.with.200/s }).waitFor();
    await window.picture('4-request');
    const row = await window.row(/^#1 POST /);
    await row.hover();
    await row.getByRole('button', { name: 'Replay Request' }).click();
    await window.row(/^#2 POST \/ 200/);
    await (await window.row(/^#1 POST /)).click();
    await page.keyboard.down('Control');
    await (await window.row(/^#2 POST /)).click();
    await page.keyboard.up('Control');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await (await window.row(/^#2 POST /)).click({ button: 'right' });
    // The menu ignores clicks for a moment after it has opened.
    await page.locator('.monaco-menu .action-item').filter({ hasText: 'Copy ID' }).hover();
    await page.keyboard.press('Enter');
    const copied = () => page.evaluate<string>('navigator.clipboard.readText()');
    await until('both IDs are copied', async () => /^[0-9a-f-]{36}\n[0-9a-f-]{36}$/.test(await copied()));
    await window.workbench.command('View: Close All Editors');
  });

  it('calls an app, and an endpoint, from its row', async () => {
    const { page } = window.workbench;
    for (const name of [/^Hello idle/, /^POST \/ 2 /]) {
      const row = await window.row(name);
      await row.hover();
      expect(await row.locator('.actions .action-item').count()).toBeLessThanOrEqual(2);
      await row.getByRole('button', { name: 'Call App' }).click();
      await page.locator('.tab.active').filter({ hasText: '.fal.json' }).waitFor();
      await window.workbench.command('View: Revert and Close Editor');
    }
  });

  it('the tree shows a runner going through its states', async () => {
    await window.workbench.command('fal: Deploy to Emulator', 'Slow');
    await window.row(/^Slow no runner/);
    const states = await window.watchStates();
    const call = scene.call('local/slow', { seconds: 4 });
    await window.row(/^runner \d+ setup \d+ s/);
    await window.row(/^runner \d+ running \d+ s · #\d+/);
    await takePictures(window.workbench, '5-running');
    expect(await call).toEqual({ slept: 4 });
    await until('it is idle again', async () =>
      Object.values(await states()).some((seen) => seen.join(' ').endsWith('setup running idle')),
    );
  });

  it('the terminal "fal (local)" calls the app', async () => {
    const { python, caller } = scene;
    const answer = join(scene.workspace, 'answer.json');
    await window.workbench.command('fal: Open Local Terminal');
    await window.workbench.terminalIsShown('fal (local)');
    await window.workbench.typeInTerminal(`${python} ${caller} local/hello '{"name": "terminal"}' answer.json`);
    await until('the terminal has called', () => existsSync(answer) && readFileSync(answer, 'utf8').endsWith('\n'), {
      timeoutMs: 60_000,
    });
    expect(JSON.parse(readFileSync(answer, 'utf8'))).toEqual({ message: 'Hello, terminal!' });
    await window.picture('6-terminal');
    await window.workbench.killTerminal('fal (local)');
  });

  it('the terminal profile of that name points there, too', async () => {
    const host = join(scene.workspace, 'host');
    await window.workbench.command('Terminal: Create New Terminal');
    await window.workbench.terminalIsShown('bash');
    await window.workbench.command('Create New Terminal (With Profile)', 'fal (local)');
    // The editor adds it to the list, behind the visible one.
    await window.workbench.selectTerminal('fal (local)');
    await window.workbench.terminalIsShown('fal (local)');
    await window.workbench.typeInTerminal(`echo $FAL_HOST > ${host}`);
    const { ports } = await scene.emulator();
    await until(
      'the terminal has answered',
      () => existsSync(host) && readFileSync(host, 'utf8') === `localhost:${ports.api}\n`,
    );
  });

  it('runs an app until it is stopped', async () => {
    await window.workbench.command('fal: Run App', 'Hello');
    await window.row(/^Hello \(run\) /);
    await window.row(/^runner \d+ (idle|running) /);
    await window.picture('7-run');
    await window.workbench.command('fal: Stop Run');
    await until('its rows say so or are gone', async () =>
      (await window.rows()).every((row) => !/^Hello \(run\) (?!ended)/.test(row)),
    );
  });

  it('shows that the emulator was killed, and recovers when it is started again', async () => {
    const { pid } = await scene.emulator();
    process.kill(pid, 'SIGKILL');
    await window.workbench.toast(`(process ${pid}) ended unexpectedly`);
    await window.status(/fal: ended/);
    await window.rowIsSeen(/^Hello (\(deployed\) )?not running/);
    await window.picture('8-killed');
    await window.workbench.pressInToast('ended unexpectedly', 'Start Emulator');
    await until('another emulator runs', async () => (await scene.emulator()).pid !== pid);
    await window.row(/^Hello (\(deployed\) )?no runner/);
    // Runners that ended with it aren't waiting for anything.
    expect((await window.rows()).filter((row) => /^runner \d+ (waiting|setup|running|idle)/.test(row))).toEqual([]);
    expect(await scene.call('local/hello', { name: 'again' })).toEqual({ message: 'Hello, again!' });
    await window.picture('9-recovered');
  });

  it('the list of requests is paused, continued and cleared', async () => {
    await window.workbench.command('fal: Pause List of Requests');
    const before = (await window.rows()).filter((row) => /^#\d+ /.test(row));
    await scene.call('local/hello', { name: 'unseen' });
    await window.rowIsSeen(/^POST \/ \d+ calls? · /);
    expect((await window.rows()).filter((row) => /^#\d+ /.test(row))).toEqual(before);
    await window.workbench.command('fal: Continue List of Requests');
    await until('the call is listed', async () => {
      const now = (await window.rows()).filter((row) => /^#\d+ /.test(row));
      return now.length === before.length + 1;
    });
    await window.workbench.command('fal: Clear Finished Requests');
    await until('they are gone', async () => !(await window.rows()).some((row) => /^#\d+ /.test(row)));
    // Nothing was deleted.
    await (await window.row(/^\d+ older/)).click();
    await window.row(/^#\d+ POST \/ 200/);
  });

  it('lists the revisions of an app, and deletes it after a question that says what is lost', async () => {
    const { page } = window.workbench;
    await window.workbench.command('fal: Show Revisions', 'hello');
    const list = page.locator('.quick-input-widget:visible');
    await list.getByText('active: receives all calls').waitFor();
    await page.keyboard.press('Escape');
    const row = await window.row(/^Hello /);
    await row.click({ button: 'right' });
    const item = page.locator('.monaco-menu .action-item').filter({ hasText: 'Delete App…' });
    await item.hover();
    await takePicture(window.workbench, 'menu-of-an-app');
    await page.keyboard.press('Enter');
    const question = page.locator('.monaco-dialog-box').filter({ hasText: 'Delete hello from the local emulator?' });
    await question.getByText(/Its address stops answering\..* The code in your folder.* stay\./).waitFor();
    await takePicture(window.workbench, 'delete-app');
    await question.getByRole('button', { name: 'Delete' }).click();
    await window.row(/^Hello (\(deployed\) )?not running/);
  });

  it('the palette stops it', async () => {
    await window.workbench.command('fal: Stop Emulator');
    await scene.emulatorIsGone();
    await window.row(/^Hello (\(deployed\) )?not running/);
  });
});
