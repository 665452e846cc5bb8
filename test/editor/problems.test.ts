import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import * as z from 'zod';
import { readLocalKey } from '../../emulator/local/data-folder.ts';
import { logPageSchema } from '../../emulator/wire/log-lines.ts';
import { painterFiles } from '../support/painter-files.ts';
import { processTree } from '../support/procfs.ts';
import { until } from '../support/wait.ts';
import { type FalWindow, openFalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';
import { noRunsIn, theHelperOf } from './run-helpers.ts';
import { type Scene, setScene } from './scene.ts';
import { stateIsStored } from './stored-state.ts';

const app = (name: string, body: string, settings = '') => `import fal


class ${name}(fal.App):
    machine_type = "XS"
    keep_alive = 600
${settings}
${body}
    @fal.endpoint("/")
    def answer(self) -> str:
        return "yes"
`;

const setupThatNeeds = (file: string) => `    def setup(self):
        from pathlib import Path

        if not Path("/data/${file}").exists():
            raise RuntimeError("There are no ${file}.")
`;

const files: { readonly [path: string]: string } = {
  'syntax.py': app('Syntax', '', '    tags = ["a"'),
  'imports.py': `import not_written_yet\n${app('Imports', '', '    local_python_modules = ["not_written_yet"]')}`,
  'weights.py': app('Weights', setupThatNeeds('weights')),
  'tokens.py': app('Tokens', setupThatNeeds('tokens')),
  'needs.py': app('Needs', '', '    requirements = ["no-such-package-of-minifal==1.2"]'),
  ...Object.fromEntries(Object.entries(painterFiles).map(([path, text]) => [`services/img/${path}`, text])),
};

let scene: Scene;
let window: FalWindow;

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(scene.workspace, path)), { recursive: true });
  await writeFile(join(scene.workspace, path), text);
}

beforeAll(async () => {
  scene = await setScene({ folder: 'empty' });
  for (const [path, text] of Object.entries(files)) await write(path, text);
  window = await scene.open();
  await window.workbench.openFile('syntax.py');
  await showProblems();
});
afterAll(() => scene?.close());
beforeEach(async () => {
  known = await errors();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `problems-failed-${task.name.slice(0, 30)}`);
});

/** The rows of "Problems", each in one line. */
async function problems(): Promise<readonly string[]> {
  const rows = await window.workbench.page.locator('.markers-panel [role=treeitem]').allInnerTexts();
  return rows.map((row) => row.replaceAll('\u00a0', ' ').replaceAll(/\s+/g, ' ').trim());
}

/** The number of errors in the status bar, which is visible whatever the panel shows. */
async function errors(): Promise<number> {
  const item = window.workbench.page.locator('.statusbar-item[id="status.problems"]');
  return Number(/\d+/.exec((await item.textContent()) ?? '')?.[0] ?? Number.NaN);
}

let known = 0;

/** Waits for one more error, prints how long it took, and expects its row. */
async function newProblem(text: RegExp, failedAt: number, what: string): Promise<void> {
  await until('there is one more error', async () => (await errors()) > known, { timeoutMs: 60_000, everyMs: 10 });
  console.log(`${what}: in Problems after ${Date.now() - failedAt} ms`);
  known = await errors();
  await problem(text);
}

async function problem(text: RegExp): Promise<void> {
  await showProblems();
  await until(`a problem matches ${text}`, async () => (await problems()).some((row) => text.test(row))).catch(
    async (error: Error) => {
      throw new Error(`${error.message}; they are ${JSON.stringify(await problems())}`);
    },
  );
}

/** Waits until no row matches. A terminal that begins or ends may hide the view, which then shows nothing. */
async function healed(text: RegExp): Promise<void> {
  const panel = window.workbench.page.locator('.markers-panel');
  await until(
    `no problem matches ${text}`,
    async () => {
      if (!(await panel.isVisible())) await showProblems();
      const rows = await problems();
      return (await panel.isVisible()) && !rows.some((row) => text.test(row));
    },
    { timeoutMs: 90_000 },
  );
  known = await errors();
}

/** The number of the request in a row. */
async function numberOf(text: RegExp): Promise<number> {
  await showProblems();
  const row = (await problems()).find((one) => text.test(one));
  return Number(/request #(\d+)/.exec(row ?? '')?.[1] ?? Number.NaN);
}

const showProblems = () => window.workbench.command('Problems: Focus on Problems View');

/** Deploys an app, and resolves with the time at which its `fal` ended. */
async function deployFails(name: string): Promise<number> {
  await window.workbench.command('fal: Deploy to Emulator', name);
  const helper = await theHelperOf(scene);
  await until('it has ended', () => processTree(helper.pid).length <= 1, { timeoutMs: 90_000, everyMs: 5 });
  return Date.now();
}

async function clearToasts(): Promise<void> {
  await window.workbench.command('Notifications: Clear All Notifications');
}

async function deploy(name: string): Promise<void> {
  await window.workbench.command('fal: Deploy to Emulator', name);
  await window.workbench.toast(/is deployed/);
  await clearToasts();
}

async function ask(port: 'api' | 'run' | 'queue', path: string, init?: RequestInit): Promise<Response> {
  const { ports } = await scene.emulator();
  const headers = { authorization: `Key ${readLocalKey(scene.dataDir)}`, 'content-type': 'application/json' };
  return fetch(`http://localhost:${ports[port]}${path}`, { ...init, headers });
}

/** Calls an endpoint; resolves with the status. */
async function call(alias: string, path: string, style = ''): Promise<number> {
  const init = { method: 'POST', body: JSON.stringify({ style }) };
  return (await ask('run', `/local/${alias}${path}`, init)).status;
}

/** Submits a call to the queue; resolves with the status of its answer. */
async function submit(alias: string, path: string, style: string): Promise<number> {
  const init = { method: 'POST', body: JSON.stringify({ style }) };
  const { request_id: id } = z
    .object({ request_id: z.string() })
    .parse(await (await ask('queue', `/local/${alias}${path}`, init)).json());
  const answer = await until('it is completed', async () => {
    const response = await ask('queue', `/local/${alias}/requests/${id}`);
    return response.status === 400 ? undefined : response;
  });
  return answer.status;
}

/** The quick fixes of a line, by the text of it. */
async function quickFixes(line: string): Promise<Locator> {
  const { page } = window.workbench;
  const offered = page.locator('.action-widget:visible');
  await until('the quick fixes are shown', async () => {
    await page.locator('.editor-instance .view-line').filter({ hasText: line }).click();
    await page.keyboard.press('Control+.');
    return succeeds(offered.filter({ hasText: 'Clear Problem' }).waitFor({ timeout: 5_000 }));
  });
  return offered;
}

/** The editor closes the list when the problems of the file change, so it is opened again then. */
async function applyFix(line: string, title: string): Promise<void> {
  await until(`${title} is chosen`, async () =>
    succeeds(fixOf(await quickFixes(line), title).click({ timeout: 5_000 })),
  );
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

const fixOf = (offered: Locator, title: string) => offered.locator('.monaco-list-row').filter({ hasText: title });

/** When the emulator received the last exception of an app. */
async function raisedAt(alias: string): Promise<number | undefined> {
  const page = logPageSchema.parse(await (await ask('api', `/minifal/logs?alias=${alias}`)).json());
  return page.lines.findLast(({ exception }) => exception !== null)?.at;
}

it('shows a syntax error, also after a reload, until another program edits its line', async () => {
  const at = await deployFails('Syntax');
  await newProblem(/'\[' was never closed.*fal deploy.*Ln 7/, at, 'syntax error');
  await clearToasts();
  await window.workbench.openFile('weights.py');
  await stateIsStored(window, 'never closed');
  await window.workbench.page.reload();
  window = await openFalWindow(window.workbench.page);
  await window.workbench.openFile('weights.py');
  await problem(/'\[' was never closed.*fal deploy.*Ln 7/);
  await write('syntax.py', app('Syntax', '', '    tags = ["a"]'));
  await healed(/never closed/);
});

it('shows a missing module, until the app starts', async () => {
  const at = await deployFails('Imports');
  await newProblem(/No module named 'not_written_yet'.*fal deploy.*Ln 1,/, at, 'import');
  await clearToasts();
  await write('not_written_yet.py', '');
  await window.workbench.command('fal: Run App', 'Imports');
  await healed(/not_written_yet/);
  await window.workbench.command('fal: Stop Run');
  await noRunsIn(scene);
});

it('shows an exception of setup(), until it succeeds', async () => {
  await deploy('Weights');
  const answer = call('weights', '/');
  const at = await until('it was raised', () => raisedAt('weights'), { timeoutMs: 90_000, everyMs: 10 });
  await newProblem(/RuntimeError: There are no weights.*fal runner 1 .*Ln 12,/, at, 'setup()');
  await writeFile(join(scene.dataDir, 'data', 'weights'), '');
  expect(await answer).toBe(200);
  await healed(/no weights/);
});

it('shows an exception of a run in a terminal, until a later run there starts', async () => {
  await window.workbench.command('fal: Open Local Terminal');
  await window.workbench.terminalIsShown('fal (local)');
  // What is typed before the first prompt may escape the editor's integration with the shell.
  const ready = join(scene.workspace, 'shell-is-ready');
  await window.workbench.typeInTerminal(`: > '${ready}'`);
  await until('the shell runs commands', () => existsSync(ready));
  await write('typed.py', app('Typed', '', '    tags = ["b"'));
  await window.workbench.typeInTerminal('fal deploy typed.py::Typed');
  await newProblem(/'\[' was never closed.*fal deploy.*Ln 7/, Date.now(), 'syntax error of a typed command');
  await write('typed.py', app('Typed', '', '    tags = ["b"]'));
  await healed(/never closed/);
  await window.workbench.command('Terminal: Focus Terminal');
  await window.workbench.typeInTerminal('fal run tokens.py::Tokens');
  await until('there is one more error', async () => (await errors()) > known, { timeoutMs: 90_000 });
  await problem(/RuntimeError: There are no tokens.*fal runner \d+ .*Ln 12,/);
  await writeFile(join(scene.dataDir, 'data', 'tokens'), '');
  await window.workbench.command('Terminal: Focus Terminal');
  await window.workbench.typeInTerminal('fal run tokens.py::Tokens');
  await healed(/no tokens/);
  await window.workbench.command('Terminal: Kill All Terminals');
});

it('shows an exception of an endpoint in other modules of the app, with the request as a link', async () => {
  const { page, openFile } = window.workbench;
  await openFile('painter.py');
  await deploy('Painter');
  expect(await call('painter', '/', 'sky')).toBe(200);
  const calledAt = Date.now();
  expect(await call('painter', '/', 'grass')).toBe(500);
  await newProblem(/KeyError: 'grass'.*fal request #\d+.*Ln 5,/, calledAt, 'endpoint, in local_python_modules');
  expect((await problems()).some((row) => /called from Painter.paint \(painter.py:18\)/.test(row))).toBe(true);
  const submittedAt = Date.now();
  expect(await submit('painter', '/brush', 'wide')).toBe(500);
  await newProblem(/ValueError: invalid literal.*fal request #\d+.*Ln 2,/, submittedAt, 'endpoint, in app_files');
  await inEachTheme(window.workbench, ({ name }) => takePicture(window.workbench, `problems.${name}`));
  await page
    .locator('.markers-panel a')
    .filter({ hasText: /^request #/ })
    .first()
    .click();
  await page.locator('.tab.active').filter({ hasText: 'Request #' }).waitFor();
  await openFile('styles.py');
  const offered = await quickFixes('return colors');
  expect(await offered.textContent()).toMatch(/Open Request \(#\d+\).*Show Log \(#\d+\)/);
  expect(await offered.textContent()).not.toContain('Replay Request');
  await page.keyboard.press('Escape');
});

it('opens and replays the request of a problem, and shows its log', async () => {
  const { page, openFile } = window.workbench;
  await openFile('sizes.py');
  const before = await numberOf(/invalid literal/);
  const offered = await quickFixes('int(style)');
  expect(await offered.textContent()).toMatch(/Open Request \(#\d+\).*Replay Request \(#\d+\).*Show Log \(#\d+\)/);
  await takePicture(window.workbench, 'problems-actions');
  await fixOf(offered, 'Open Request').click();
  await page
    .locator('.tab.active')
    .filter({ hasText: `Request #${before}` })
    .waitFor();
  await openFile('sizes.py');
  await applyFix('int(style)', 'Replay Request');
  const replayed = await until('the replay has failed', async () => {
    const now = await numberOf(/invalid literal/);
    return now > before && now;
  });
  await applyFix('int(style)', 'Show Log');
  const pane = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  await pane.locator('.row').filter({ hasText: 'invalid literal' }).first().waitFor();
  await takePicture(window.workbench, 'problems-log');
  expect(replayed).toBe(before + 1);
});

it('removes the exceptions of endpoints, each with a call that succeeds', async () => {
  expect(await call('painter', '/brush', '3')).toBe(200);
  await healed(/invalid literal/);
  expect((await problems()).some((row) => /KeyError/.test(row))).toBe(true);
  expect(await call('painter', '/', 'sky')).toBe(200);
  await healed(/KeyError/);
});

it('keeps an exception that came back after a success, until it is cleared', async () => {
  expect(await submit('painter', '/brush', 'wide')).toBe(500);
  await problem(/invalid literal/);
  expect(await call('painter', '/brush', '3')).toBe(200);
  await window.workbench.openFile('sizes.py');
  expect((await problems()).some((row) => /invalid literal/.test(row))).toBe(true);
  await applyFix('int(style)', 'Clear Problem');
  await healed(/invalid literal/);
});

it('shows a requirement that cannot be installed, until its line is edited', async () => {
  const { page, openFile } = window.workbench;
  await openFile('needs.py');
  const at = await deployFails('Needs');
  await newProblem(/no-such-package-of-minifal.*Ln 7,/, at, 'requirement');
  await clearToasts();
  await page.locator('.editor-instance .view-line').filter({ hasText: 'keep_alive' }).click();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.keyboard.type('timeout = 5');
  await problem(/no-such-package-of-minifal.*Ln 8,/);
  await takePicture(window.workbench, 'problems-requirement');
  await page.locator('.editor-instance .view-line').filter({ hasText: 'no-such-package' }).click();
  await page.keyboard.press('End');
  await page.keyboard.type('  # gone');
  await healed(/no-such-package/);
});
