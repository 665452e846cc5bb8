import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLocalKey } from '../../emulator/local/data-folder.ts';
import { until } from '../support/wait.ts';
import { iconContrasts, objections } from './accessibility.ts';
import type { FalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';
import { withTooltip } from './tooltips.ts';

const origin = 'http://localhost:5173';
/** One app for each state that lasts. */
const states = `
import time

import fal


class Ready(fal.App):
    app_name = "ready"
    machine_type = "XS"
    keep_alive = 36000

    @fal.endpoint("/")
    def answer(self) -> str:
        return "yes"


class Busy(fal.App):
    app_name = "busy"
    machine_type = "XS"
    keep_alive = 36000

    @fal.endpoint("/")
    def work(self) -> str:
        time.sleep(1800)
        return "done"


class Loading(fal.App):
    app_name = "loading"
    machine_type = "XS"
    startup_timeout = 1800

    def setup(self):
        time.sleep(1800)

    @fal.endpoint("/")
    def answer(self) -> str:
        return "yes"


class Failing(fal.App):
    app_name = "failing"
    machine_type = "XS"

    def setup(self):
        raise RuntimeError("There are *no* weights.")

    @fal.endpoint("/")
    def answer(self) -> str:
        return "yes"
`;

const settings = {
  'minifal.timeScale': 2,
  'minifal.allowedOrigins': [origin],
};

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  scene = await setScene({ folder: 'empty', settings });
  await writeFile(join(scene.workspace, 'states.py'), states);
  window = await scene.open();
  // Only rows on the screen exist in the page.
  await window.workbench.page.setViewportSize({ width: 1280, height: 1600 });
  await window.showApps();
  await window.row(/^Ready not running$/);
});
afterAll(() => scene?.close());

async function ask(port: 'run' | 'queue', path: string, init: RequestInit = {}): Promise<Response> {
  const { ports } = await scene.emulator();
  const headers = { authorization: `Key ${readLocalKey(scene.dataDir)}`, ...init.headers };
  return fetch(`http://localhost:${ports[port]}${path}`, { ...init, headers });
}

async function submit(app: string): Promise<string> {
  const answer = await ask('queue', `/local/${app}`, { method: 'POST', body: '{}' });
  expect(answer.status).toBe(200);
  const { request_id } = (await answer.json()) as { readonly request_id: string };
  return request_id;
}

async function deploy(app: string): Promise<void> {
  await window.workbench.command('fal: Deploy to Emulator', app);
  await window.workbench.toast(`${app} is deployed`);
  await window.workbench.command('Notifications: Clear All Notifications');
}

it('starts an emulator with the time scale and the allowed web pages of the settings', async () => {
  await window.workbench.command('fal: Start Emulator');
  await window.status(/fal: local x2/);
  const preflight = { origin, 'access-control-request-method': 'POST' };
  const answer = await ask('run', '/local/ready', { method: 'OPTIONS', headers: preflight });
  expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
});

it('shows each state of a runner by an icon and in words, and why a start fails', async () => {
  for (const app of ['Ready', 'Busy', 'Loading', 'Failing']) await deploy(app);
  for (const app of ['ready', 'busy', 'loading', 'failing']) await submit(app);
  // Ended runners are one row, folded, with the last error. Nothing has been unfolded yet.
  const seen = await window.rowIsSeen(/^\d+ ended last: RuntimeError: There are \*no\* weights\. \(states\.py:46\)$/);
  expect(seen.filter((row) => /^runner \d+ ended/.test(row))).toEqual([]);
  await window.row(/^runner \d+ idle · stops in /);
  await window.row(/^runner \d+ setup \d+ s/);
  await window.row(/^runner \d+ running \d+ s.* · #\d+/);
  await window.row(/^runner \d+ ended · RuntimeError: There are \*no\* weights/);
  await window.row(/^runner \d+ failed, retry in \d+ s .*· RuntimeError/);
  await window.row(/^Failing start failed · 1 queued$/);
  expect(await window.rows()).toEqual(expect.arrayContaining(['POST / no calls']));
  // The request in progress stays on its runner, which gets no new ones.
  await deploy('Busy');
  await window.row(/^runner \d+ finishing \d+ .* · #\d+/);
  // The new revision's runner gets no request, and therefore ends.
  await until(
    'one is idle',
    async () => (await window.rows()).filter((row) => /^runner \d+ idle/.test(row)).length === 1,
  );
});

it('shows the details of a row in its tooltip', async () => {
  const tooltip = await hover(/^Failing /, 'app', /local.failing/);
  expect(tooltip).toMatch(
    /local\/failing.*URL: https:\/\/localhost:\d+\/local\/failing.*Callers: .*Last start failed: /s,
  );
  // An app's text is not interpreted as Markdown.
  expect(tooltip).toContain('There are *no* weights.');
  expect(await hover(/^runner \d+ idle/, 'runner', /State:.IDLE/)).toMatch(
    /Runner: [0-9a-f-]{36}.*State: IDLE: Ready, waiting for requests\..*Since: \d\d:\d\d:\d\d/s,
  );
});

it('is readable in each theme, and passes axe', async () => {
  const seen: { [look: string]: unknown } = {};
  await inEachTheme(window.workbench, async ({ name, minContrast }) => {
    await window.row(/^runner \d+ idle/);
    await takePicture(window.workbench, `states.${name}`);
    // The failing app restarts repeatedly, so its runner briefly has the icon of another state.
    const contrasts = await until('seven icons are shown', async () => {
      const shown = await iconContrasts(window.workbench.page);
      return Object.keys(shown).length >= 7 && shown;
    });
    for (const [icon, contrast] of Object.entries(contrasts)) {
      expect(contrast, `${icon} in ${name}`).toBeGreaterThanOrEqual(minContrast);
    }
    const { ours, editors } = await objections(window.workbench.page);
    seen[name] = { contrasts, ours, editors: editors.length };
    expect(ours, name).toEqual([]);
  });
  console.log(`contrasts, and what axe reports about the editor itself: ${JSON.stringify(seen)}`);
});

it('ends what is selected with the Delete key: requests are cancelled, runners are stopped', async () => {
  const { page } = window.workbench;
  const press = async (row: RegExp) => {
    await (await window.row(row)).locator('.label-name').click();
    await page.keyboard.press('Delete');
  };
  await press(/^#\d+ POST \/ 1st .*Failing$/);
  await window.row(/^#\d+ POST \/ .*Failing$/);
  await until('it is cancelled', async () => !(await window.rows()).some((row) => / 1st .*Failing$/.test(row)));
  const idle = async () => (await window.rows()).filter((row) => /^runner \d+ idle/.test(row)).length;
  const before = await idle();
  await press(/^runner \d+ idle/);
  await until('it has stopped', async () => (await idle()) < before);
  // With the mouse, the same is a button of the row.
  const loading = await window.row(/^runner \d+ setup/);
  await loading.hover();
  await loading.getByRole('button', { name: 'Stop Runner' }).click();
  await until('it has stopped, too', async () => !(await window.rows()).some((row) => /^runner 1 setup/.test(row)));
});

it('clears ended runners: one with its own button, then all', async () => {
  const ended = async () => (await window.rows()).filter((row) => /^runner \d+ ended/.test(row));
  const nameOf = (row: string) => row.slice(0, row.indexOf(' ended'));
  // Runners are numbered for each app, so only some of these names are unique.
  const one = await until(
    'two have ended, one of them with a unique number',
    async () => {
      const names = (await ended()).map(nameOf);
      return names.length > 1 && names.find((name) => names.filter((other) => other === name).length === 1);
    },
    { timeoutMs: 120_000 },
  );
  const row = await window.row(new RegExp(`^${one} ended`));
  await row.hover();
  await row.getByRole('button', { name: 'Clear Runner' }).click();
  await until('it is gone', async () => !(await ended()).map(nameOf).includes(one));
  const others = await ended();
  expect(others).not.toEqual([]);
  await window.workbench.command('fal: Clear Ended Runners');
  await until('they are gone', async () => !(await ended()).some((each) => others.includes(each)));
  // Nothing was deleted: the emulator's history still contains them.
  const { ports } = await scene.emulator();
  const headers = { authorization: `Key ${readLocalKey(scene.dataDir)}` };
  const page = await fetch(`http://localhost:${ports.api}/minifal/runners`, { headers });
  const { runners } = (await page.json()) as { readonly runners: readonly { readonly number: number }[] };
  expect(runners.map(({ number }) => `runner ${number}`)).toContain(one);
});

it('uses a changed setting at the next start, and reports an invalid one once', async () => {
  const { workbench } = window;
  await workbench.command('Notifications: Clear All Notifications');
  await scene.vscode.changeSettings({ ...scene.options.settings, 'minifal.timeScale': 0 });
  const toast = await workbench.toast('The setting minifal.timeScale has an invalid value; delays pass in real time.');
  expect(await toast.getByRole('button').allInnerTexts()).toContain('Open Setting');
  expect(await workbench.page.locator('.notification-toast').count()).toBe(1);
  await workbench.command('Notifications: Clear All Notifications');
  await scene.vscode.changeSettings({ ...scene.options.settings, 'minifal.timeScale': 3 });
  await workbench.pressInToast('Restart the emulator to apply', 'Restart Emulator');
  await window.status(/fal: local.* x3/);
});

/** The text of the tooltip of a row. */
async function hover(row: RegExp, name: string, wanted: RegExp): Promise<string> {
  return withTooltip(window, row, wanted, () => takePicture(window.workbench, `tooltip-${name}`));
}
