import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLocalKey } from '../../emulator/local/data-folder.ts';
import { statusSchema } from '../../emulator/wire/status.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

const painter = `import time

import fal


class Painter(fal.App):
    machine_type = "XS"
    keep_alive = 600

    @fal.endpoint("/")
    def fast(self) -> str:
        return "yes"

    @fal.endpoint("/slow")
    def slow(self) -> str:
        time.sleep(0.5)
        raise KeyError("style")
`;

/**
 * Two services of a monorepo: each has modules next to its app, and the class that makes it an app is in one of them.
 */
const files: { readonly [path: string]: string } = {
  'painter.py': painter,
  'services/img/base.py': 'import fal\n\n\nclass Base(fal.App):\n    machine_type = "XS"\n    keep_alive = 600\n',
  'services/img/app.py': `import fal
from base import Base


class Model(Base):
    local_python_modules = ["base"]

    @fal.endpoint("/")
    def answer(self) -> str:
        return "img"
`,
  'services/txt/model.py': 'import fal\n\n\nclass Model(fal.App):\n    app_name = "text"\n',
  'services/txt/pyproject.toml': '[tool.fal.apps.txt-prod]\nref = "model.py::Model"\n',
  'broken.py':
    'import fal\n\n\nclass Broken(fal.App):\n    requirements = ["a"\n\n    def setup(self):\n        pass\n',
};

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  scene = await setScene({ folder: 'empty' });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(scene.workspace, path)), { recursive: true });
    await writeFile(join(scene.workspace, path), text);
  }
  window = await scene.open();
});
afterAll(() => scene?.close());

/** The lenses on screen, one text per line of code, from the top. */
async function lenses(): Promise<readonly string[]> {
  const all = window.workbench.page.locator('.editor-instance .codelens-decoration');
  const found = await all.evaluateAll(
    (nodes: readonly { textContent: string | null; getBoundingClientRect(): { top: number } }[]) =>
      nodes
        .map((node) => ({ text: node.textContent ?? '', top: node.getBoundingClientRect().top }))
        .sort((a, b) => a.top - b.top)
        .map(({ text }) => text.replaceAll('\u00a0', ' ')),
  );
  return found.filter((text) => text !== '');
}

async function lens(text: RegExp): Promise<void> {
  await until(`a lens matches ${text}`, async () => (await lenses()).some((one) => text.test(one)), {
    timeoutMs: 90_000,
  }).catch(async (error: Error) => {
    throw new Error(`${error.message}; they are ${JSON.stringify(await lenses())}`);
  });
}

async function clickLens(title: RegExp): Promise<void> {
  const { page } = window.workbench;
  // A hover may cover the lens; the driver would then scroll the editor to reach it.
  await page.mouse.move(900, 600);
  await page.keyboard.press('Escape');
  await page.locator('.monaco-hover:visible').first().waitFor({ state: 'hidden' });
  await page.locator('.codelens-decoration a').filter({ hasText: title }).first().click();
}

it('shows what can be done with an app, and its state, before anything runs', async () => {
  await window.workbench.openFile('painter.py');
  await lens(/^Run Local \| Debug \| Call \| Deploy Local \| not running$/);
  const app = 'Run Local | Debug | Call | Deploy Local | not running';
  expect(await lenses()).toEqual([app, 'Call | POST /', 'Call | POST /slow']);
  await takePicture(window.workbench, 'lens-idle');
});

it('keeps their number and places while code is typed that cannot be read', async () => {
  const { page } = window.workbench;
  await page.locator('.editor-instance .view-line').filter({ hasText: 'keep_alive' }).click();
  await page.keyboard.press('End');
  const counts = new Set<number>();
  const lines = new Set<string>();
  for (const key of ['Enter', 'x', ' ', '=', ' ', '(', 'Enter', '"', 'a']) {
    await (key.length === 1 ? page.keyboard.type(key) : page.keyboard.press(key));
    // What is tested: nothing changes in the time in which the editor asks for lenses again.
    await page.waitForTimeout(400);
    // Now and then the editor draws all of them again, and has none for a frame.
    let now = await lenses();
    if (now.length === 0) {
      await page.waitForTimeout(50);
      now = await lenses();
    }
    counts.add(now.length);
    lines.add(await codeBelow('POST /slow'));
  }
  expect([...counts]).toEqual([3]);
  expect([...lines]).toEqual(['@fal.endpoint("/slow")']);
  // The editor saves by itself after a second, so the text on the disk is put back.
  const onDisk = join(scene.workspace, 'painter.py');
  await until('all typed text is saved', async () => /x = \([\s\S]*"a/.test(await readFile(onDisk, 'utf8')));
  await until('the typed text is gone', async () => {
    // Written in the moment in which the editor saves, it would pass for the editor's own.
    await writeFile(onDisk, painter);
    const texts = await page.locator('.editor-instance .view-line').allTextContents();
    return !texts.some((text) => text.replaceAll('\u00a0', ' ').includes('x = ('));
  });
});

/** The line of code below a lens. */
function codeBelow(lensText: string): Promise<string> {
  return window.workbench.page.evaluate<string>(`(() => {
    const text = (node) => node.textContent.replaceAll('\\u00a0', ' ');
    const lens = [...document.querySelectorAll('.editor-instance .codelens-decoration')]
      .find((node) => text(node).endsWith(${JSON.stringify(lensText)}));
    const bottom = lens?.getBoundingClientRect().bottom ?? 0;
    const below = [...document.querySelectorAll('.editor-instance .view-line')]
      .map((node) => ({ node, top: node.getBoundingClientRect().top }))
      .filter(({ top }) => top >= bottom - 4)
      .sort((a, b) => a.top - b.top);
    return below[0] ? text(below[0].node).trim() : '';
  })()`);
}

it('believes Python about code that its own grammar does not know', async () => {
  const unknown = 'import fal\n\nfor each in *[1], 2:\n    pass\n';
  const app = (name: string) => `\n\nclass ${name}(fal.App):\n    machine_type = "XS"\n`;
  const file = join(scene.workspace, 'unknown.py');
  await writeFile(file, unknown + app('First') + app('Second'));
  await window.workbench.openFile('unknown.py');
  await until('both apps have a lens', async () => (await lenses()).length === 2);
  await writeFile(file, unknown + app('First'));
  await until('one lens is left', async () => (await lenses()).length === 1);
  await rm(file);
  await window.workbench.openFile('painter.py');
});

it('runs an app by a click, and follows its state', async () => {
  await clickLens(/^Run Local$/);
  await lens(/\| ◌ (starting|setup)$/);
  await lens(/\| ● idle, kept warm$/);
  expect(await call('/')).toBe(200);
  expect(await call('/slow')).toBe(500);
  await lens(/^Call \| 1 call · p50 [\d.]+ m?s$/);
  await lens(/^Call \| 1 call · 1 failed: KeyError, line 17$/);
  await inEachTheme(window.workbench, ({ name }) => takePicture(window.workbench, `lens-run.${name}`));
});

/** Calls the app that "Run Local" serves; resolves with the status. */
async function call(path: string): Promise<number> {
  const { ports } = await scene.emulator();
  const headers = { authorization: `Key ${readLocalKey(scene.dataDir)}` };
  const status = await (await fetch(`http://localhost:${ports.api}/minifal/status`, { headers })).json();
  const { runners } = statusSchema.parse(status);
  const alias = runners.find(({ endedAt }) => endedAt === null)?.alias;
  const url = `http://localhost:${ports.run}/local/${alias}${path === '/' ? '' : path}`;
  return (await fetch(url, { method: 'POST', headers, body: '{}' })).status;
}

it('offers more by a click on the state: stop, and hide the lenses', async () => {
  await clickLens(/● idle/);
  await window.workbench.pick('Stop Run');
  await lens(/\| not running$/);
  await clickLens(/not running/);
  await window.workbench.pick('Hide These Lenses');
  await until('no lens is shown', async () => (await lenses()).length === 0);
  await window.workbench.pressInToast('lenses of fal apps are hidden', 'Show Again');
  await lens(/not running/);
});

it('says in a hover that a deploy keeps an earlier value, and uses the value of the code when asked to', async () => {
  const { workbench } = window;
  const { page } = workbench;
  const deploy = async () => {
    await clickLens(/^Deploy Local$/);
    await workbench.toast('Painter is deployed');
    await workbench.command('Notifications: Clear All Notifications');
  };
  await deploy();
  await lens(/\| ○ deployed, no runner$/);
  await writeFile(join(scene.workspace, 'painter.py'), painter.replace('= 600', '= 90'));
  await page.locator('.editor-instance .view-line').filter({ hasText: 'keep_alive = 90' }).waitFor();
  await deploy();
  expect(await hover('keep_alive')).toMatch(
    /code 90 s · deployed 600 s \(kept from revision \w{8}\) · default of fal.App 60 s/,
  );
  await inEachTheme(workbench, async ({ name }) => {
    await hover('keep_alive');
    await takePicture(workbench, `hover.${name}`);
  });
  await page.locator('.monaco-hover:visible a').filter({ hasText: "Use the Code's Values at the Next Deploy" }).click();
  await deploy();
  expect(await hover('keep_alive')).toMatch(/code 90 s · deployed 90 s · default of fal.App 60 s/);
});

it('offers to deploy again what has changed since, and says that it does', async () => {
  const { workbench } = window;
  const { page } = workbench;
  const file = join(scene.workspace, 'painter.py');
  await writeFile(file, painter.replace('= 600', '= 90').replace('"/slow"', '"/slower"'));
  await lens(/^Run Local \| Debug \| Call \| Deploy Again \| ○ deployed, no runner, code changed$/);
  await inEachTheme(workbench, ({ name }) => takePicture(workbench, `deploy-again.${name}`));
  const progress = page.locator('.notification-toast').filter({ hasText: 'Deploying Painter to the local emulator' });
  const isDone = workbench.toast('Painter is deployed');
  await clickLens(/^Deploy Again$/);
  await progress.first().waitFor();
  await progress.first().getByRole('button', { name: 'Cancel' }).waitFor();
  await takePicture(workbench, 'deploy-progress');
  await isDone;
  await progress.first().waitFor({ state: 'detached' });
  await workbench.command('Notifications: Clear All Notifications');
  await lens(/^Run Local \| Debug \| Call \| Deploy Local \| ○ deployed, no runner$/);
  await writeFile(file, painter);
  await lens(/^Run Local \| Debug \| Call \| Deploy Again \| /);
});

/** The hover over a word of the code. */
async function hover(word: string): Promise<string> {
  const { page } = window.workbench;
  const shown = page.locator('.monaco-hover:visible').filter({ hasText: 'code' }).first();
  await until(`there is a hover over ${word}`, async () => {
    await page.mouse.move(900, 20);
    const { x, y } = await middleOf(word);
    await page.mouse.move(x, y);
    return shown.waitFor({ timeout: 3_000 }).then(
      () => true,
      () => false,
    );
  });
  return ((await shown.textContent()) ?? '').replaceAll('\u00a0', ' ');
}

/** Where a word of the code is on the screen. */
function middleOf(word: string): Promise<{ readonly x: number; readonly y: number }> {
  return window.workbench.page.evaluate(`(() => {
    const lines = document.querySelector('.editor-instance .view-lines');
    const walker = document.createTreeWalker(lines, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const at = node.data.indexOf(${JSON.stringify(word)});
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + ${word.length});
      const { x, y, width, height } = range.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    }
    return { x: 0, y: 0 };
  })()`);
}

it('lists apps with their place: derived ones, entries of pyproject.toml, and files that do not parse', async () => {
  const { page, command } = window.workbench;
  await command('fal: Run App');
  const rows = page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row');
  await rows.first().waitFor();
  const parts = ['.label-name', '.label-description', '.quick-input-list-label-meta'];
  const texts = await rows.evaluateAll(
    (nodes: readonly { querySelector(css: string): { textContent: string | null } | null }[], css) =>
      nodes.map((node) => css.map((one) => node.querySelector(one)?.textContent ?? '').join(' ')),
    parts,
  );
  expect(texts).toEqual([
    // The one at the cursor.
    'Painter app painter.py:6',
    "Broken line 5: '[' was never closed broken.py:5",
    'img/Model app services/img/app.py:5',
    'txt/Model pyproject: txt-prod services/txt/model.py:4',
  ]);
  await takePicture(window.workbench, 'app-picker');
  await page.keyboard.press('Escape');
});

it('follows files that appear and go', async () => {
  const { offered } = picker();
  const late = join(scene.workspace, 'late.py');
  await writeFile(late, 'import fal\n\n\nclass Late(fal.App): ...\n');
  await until('the new app is offered', async () => (await offered()).includes('Late'));
  await rm(late);
  await until('it is not offered any more', async () => !(await offered()).includes('Late'));
});

/** What "Run App" offers. */
function picker() {
  const { page, command } = window.workbench;
  const names = page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row .label-name');
  return {
    async offered(): Promise<readonly string[]> {
      await command('fal: Run App');
      await names.filter({ hasText: /^Painter$/ }).waitFor();
      const offered = await names.allInnerTexts();
      await page.keyboard.press('Escape');
      await names.first().waitFor({ state: 'hidden' });
      return offered;
    },
  };
}

it('runs an app of a monorepo in its own folder, where it finds the modules next to it', async () => {
  await window.workbench.openFile('services/img/app.py');
  await lens(/^Run Local \| Debug \| Call \| Deploy Local \| not running$/);
  await clickLens(/^Run Local$/);
  await lens(/\| ● idle, kept warm$/);
});
