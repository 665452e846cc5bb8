import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Frame, FrameLocator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../support/wait.ts';
import { callsOnScreen } from './calls-on-screen.ts';
import { type FalWindow, openFalWindow } from './fal-window.ts';
import { inEachTheme, takePicture, takePictures } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';
import { stateIsStored } from './stored-state.ts';

const painter = `import fal
import time
import traceback
from pydantic import BaseModel


class Prompt(BaseModel):
    prompt: str


class Answer(BaseModel):
    text: str


class Painter(fal.App):
    app_name = "painter"
    machine_type = "XS"
    keep_alive = 600

    def setup(self):
        print("loading the model ...")

    @fal.endpoint("/")
    def fast(self, input: Prompt) -> Answer:
        print("fast:", input.prompt)
        print("\\x1b[31mred\\x1b[0m <b>not bold</b> <script>document.title = 'x'</script>")
        print("x" * 60_000)
        try:
            self.load()
        except ValueError:
            traceback.print_exc()
        if input.prompt == "fail":
            raise KeyError("style")
        return Answer(text=input.prompt.upper())

    def load(self):
        raise ValueError("no weights")
`;

let scene: Scene;
let window: FalWindow;
let pane: FrameLocator;

beforeAll(async () => {
  // Text is put into documents as it is.
  const settings = { 'editor.autoClosingQuotes': 'never', 'editor.autoSurround': 'never' };
  scene = await setScene({ folder: 'empty', settings });
  await mkdir(scene.workspace, { recursive: true });
  await writeFile(join(scene.workspace, 'painter.py'), painter);
  window = await scene.open();
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') {
    await window.workbench.command('Notifications: Show Notifications').catch(() => undefined);
    await takePicture(window.workbench, `logs-failed-${task.name.slice(0, 20)}`);
  }
});

/** The visible lines of the pane. */
const texts = async () => (await pane.locator('.row').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));

async function shown(...expected: readonly RegExp[]): Promise<readonly string[]> {
  return until(
    `lines match ${expected.join(', ')}`,
    async () => {
      const lines = await texts();
      return expected.every((text) => lines.some((line) => text.test(line))) ? lines : undefined;
    },
    { timeoutMs: 60_000 },
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}; the lines are ${JSON.stringify(await texts())}`);
  });
}

/** The page of the pane. The editor makes a new one whenever the pane is shown again. */
function findPane(): FrameLocator {
  return window.workbench.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
}

/** Waits until the list follows its end: the notice above it, and new lines, must not change that. */
async function endIsVisible(): Promise<void> {
  const left = () =>
    pane
      .locator('.list')
      .evaluate(
        (list: { readonly scrollHeight: number; readonly clientHeight: number; readonly scrollTop: number }) =>
          list.scrollHeight - list.clientHeight - list.scrollTop,
      );
  await until('the end of the log is visible', async () => (await left()) < 5);
}

async function frameOfPane(): Promise<Frame> {
  const body = await pane.locator('body').elementHandle();
  const frame = await body?.ownerFrame();
  if (!frame) throw new Error('the pane has no frame');
  return frame;
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** axe's findings in the page, by the rules of `accessibility.ts`: all of it is ours. */
async function objectionsIn(frame: Frame): Promise<readonly string[]> {
  await frame.evaluate(axe);
  return frame.evaluate<readonly string[]>(`(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 200) + ' ' + failureSummary));
  })()`);
}

const call = (prompt: string) => scene.call('local/painter', { prompt }).catch(() => undefined);

it('shows the log as it comes, and everything of an app as text', async () => {
  const { workbench } = window;
  await workbench.openFile('painter.py');
  await workbench.command('fal: Show Log');
  pane = findPane();
  await pane.getByRole('treegrid', { name: 'Log' }).waitFor();
  await pane.getByText('The emulator is not running.').waitFor();
  await workbench.command('fal: Deploy to Emulator');
  await shown(/The emulator started/);
  await window.status(/local/);
  await workbench.page
    .locator('.codelens-decoration')
    .filter({ hasText: /deployed/ })
    .first()
    .waitFor();
  await call('a cat');
  const lines = await shown(/fast: a cat/, /ValueError: no weights/);
  expect(lines.join('\n')).toContain("red <b>not bold</b> <script>document.title = 'x'</script>");
  expect(lines.join('\n')).toMatch(/The emulator started[\s\S]*The runner is ready/);
  // uvicorn's access log.
  expect(lines.join('\n')).not.toMatch(/HTTP\/1\.1/);
  await call('fail');
  await shown(/r1 #2 .*KeyError: 'style' .*painter\.py:\d+/);
  await inEachTheme(workbench, async (look) => {
    await takePicture(workbench, `logs.${look.name}`);
    expect({ look: look.name, found: await objectionsIn(await frameOfPane()) }).toEqual({ look: look.name, found: [] });
  });
});

it('goes by keyboard to an error and its line', async () => {
  const { page } = window.workbench;
  await pane.locator('.list').focus();
  await page.keyboard.press('p');
  await pane.locator('.row[aria-selected=true]').filter({ hasText: "KeyError: 'style'" }).waitFor();
  await page.keyboard.press('ArrowRight');
  await shown(/in Painter\.fast painter\.py:\d+/);
  await takePicture(window.workbench, 'logs-unfolded');
  await page.keyboard.press('Enter');
  const line = painter.split('\n').findIndex((text) => text.includes('raise KeyError')) + 1;
  await window.status(new RegExp(`Ln ${line}, `));
});

/** What is shown after the line that prints. */
const after = () =>
  window.workbench.page.evaluate<string>(`Array.from(document.querySelectorAll('.view-line'))
    .filter((line) => line.textContent.includes('fast:'))
    .flatMap((line) => Array.from(line.querySelectorAll('span')))
    .map((span) => getComputedStyle(span, '::after').content)
    .join(' ')`);

it('shows the last output of a line after it, until it is turned off', async () => {
  const { page, command } = window.workbench;
  await call('a dog');
  await command('Go to Line/Column...');
  await page.keyboard.type('25');
  await page.keyboard.press('Enter');
  const line = page.locator('.view-line').filter({ hasText: 'fast:' });
  await until('the line shows its output', async () => /fast: a dog {2}×3/.test(await after()));
  await takePictures(window.workbench, 'inline-logs');
  await line.locator('span').last().hover();
  const hover = page.locator('.monaco-hover:visible').filter({ hasText: 'Show Log' });
  await hover.waitFor();
  expect((await hover.allInnerTexts()).join('\n')).toMatch(
    /fast: a dog — POST \/ #3 · runner 1 · [\s\S]*fast: fail — POST \/ #2 · runner 1/,
  );
  await takePicture(window.workbench, 'inline-logs-hover');
  await command('fal: Toggle Inline Logs');
  await until('the line shows nothing', async () => !/fast/.test(await after()));
  await command('fal: Toggle Inline Logs');
  await until('the line shows its output', async () => /fast: a dog/.test(await after()));
});

it('shows one request only, also after the window was reloaded', async () => {
  // An unfolded traceback may have moved it out of the part that is drawn.
  await pane.locator('.list').focus();
  await window.workbench.page.keyboard.press('Home');
  await pane.locator('.row').filter({ hasText: 'fast: a cat' }).locator('.request').click();
  const onlyFirst = async () => {
    const lines = await texts();
    return lines.some((line) => line.includes('fast: a cat')) && !lines.some((line) => line.includes('fast: fail'));
  };
  await until('only its lines are shown', onlyFirst);
  await stateIsStored(window, await chosen('Request'));
  await window.workbench.page.reload();
  window = await openFalWindow(window.workbench.page);
  pane = findPane();
  await pane.locator('.row').first().waitFor();
  await until('only its lines are shown again', onlyFirst);
  await pane.getByRole('button', { name: 'Clear Filters' }).click();
  await shown(/fast: fail/);
});

type FilterName = 'App' | 'Runner' | 'Request';

/** The value of a filter of the pane: an id, or nothing. */
function chosen(name: FilterName): Promise<string> {
  const select = pane.getByLabel(name, { exact: true }).first();
  return select.evaluate((node: { readonly value?: string }) => node.value ?? 'none');
}

async function filterIs(name: FilterName, value: RegExp): Promise<void> {
  await until(`${name} is ${value}`, async () => value.test(await chosen(name).catch(() => 'none')));
}

async function clearFilter(): Promise<void> {
  await pane.getByRole('button', { name: 'Clear Filters' }).click();
  for (const name of ['App', 'Runner', 'Request'] as const) await filterIs(name, /^$/);
}

it('filters by what is chosen from its lists, by mouse and by keyboard', async () => {
  const { page } = window.workbench;
  const select = (name: FilterName) => pane.getByLabel(name, { exact: true }).first();
  await select('Request').click();
  await pane.getByRole('option', { name: '#2 POST /' }).click();
  await until('only its lines are shown', async () => {
    const lines = (await texts()).join('\n');
    return lines.includes('fast: fail') && !lines.includes('fast: a cat');
  });
  await select('Request').press('Home');
  await filterIs('Request', /^$/);
  await shown(/fast: a cat/);
  await select('App').press('ArrowDown');
  await filterIs('App', /^painter$/);
  await takePicture(window.workbench, 'logs-filters');
  // As in the editor's own lists: Escape leaves what was gone to.
  await select('App').click();
  await select('App').press('Home');
  await select('App').press('Escape');
  await filterIs('App', /^painter$/);
  await page.keyboard.press('Escape');
  // What was typed a moment before isn't lost.
  await pane.getByRole('textbox').first().fill('cat');
  await select('App').press('Home');
  await filterIs('App', /^$/);
  await until('both filters are in use', async () => {
    const lines = (await texts()).join('\n');
    return lines.includes('fast: a cat') && !lines.includes('fast: fail');
  });
  await clearFilter();
});

it('opens from rows of the tree, the lens and the result of a call, with what they are about', async () => {
  const { page } = window.workbench;
  await window.showApps();
  for (const [row, filter, value] of [
    [/^Painter idle/, 'App', /^painter$/],
    [/^runner 1 idle/, 'Runner', /./],
  ] as const) {
    await (await window.row(row)).click({ button: 'right' });
    // The menu ignores clicks for a moment after it has opened.
    await page.locator('.monaco-menu .action-item').filter({ hasText: 'Show Log' }).hover();
    await page.keyboard.press('Enter');
    await filterIs(filter, value);
    await shown(/fast: a cat/);
    await clearFilter();
  }

  await page.locator('.editor-instance .view-line').first().click();
  await page.keyboard.press('Control+Home');
  await page
    .locator('.codelens-decoration a')
    .filter({ hasText: /● idle/ })
    .first()
    .click();
  await window.workbench.pick('Show Log');
  await filterIs('App', /^painter$/);
  await clearFilter();

  const calls = callsOnScreen(() => window);
  await page.locator('.editor-instance .view-line').first().click();
  await window.workbench.command('fal: Call App');
  await calls.shown(/^Send \|/, /"prompt"/);
  await calls.write('"prompt"', '"prompt": "a dog"');
  await calls.clickLens('Send');
  await calls.shown(/^200 · .*\| Log \|/, /"text": "A DOG"/);
  await calls.clickLens('Log');
  await filterIs('Request', /./);
  const lines = await shown(/fast: a dog/);
  expect(lines.join('\n')).not.toMatch(/fast: (a cat|fail)/);
  await takePicture(window.workbench, 'logs-of-call');
  await clearFilter();
});

it('continues in the same stream after the emulator was killed and started again', async () => {
  const { pid } = await scene.emulator();
  process.kill(pid, 'SIGKILL');
  await shown(/The emulator ended/, /KeyError: 'style'/);
  await endIsVisible();
  await takePicture(window.workbench, 'logs-ended');
  await pane.getByRole('button', { name: 'Start Emulator' }).click();
  await scene.emulator();
  await call('again');
  await shown(/The emulator started/, /fast: again/);
  await endIsVisible();
  await takePicture(window.workbench, 'logs-again');
});

// Last, because a reload soon after it would restore the hidden panel.
it('shows what a call has printed in code that was behind the call', async () => {
  const { page, command } = window.workbench;
  const code = page.locator('.tab').filter({ hasText: 'painter.py' });
  await code.click();
  await page.locator('.editor-instance .view-line').first().click();
  // The pane wants the places of lines, too.
  await page.keyboard.press('Control+j');
  await page.locator('.part.panel').waitFor({ state: 'hidden' });
  await command('fal: Call App');
  const calls = callsOnScreen(() => window);
  await calls.shown(/^Send \|/, /"prompt"/);
  await calls.write('"prompt"', '"prompt": "a bird"');
  await calls.clickLens('Send');
  await calls.shown(/^200 · /, /"text": "A BIRD"/);
  await code.click();
  await until('the line shows its output', async () => /fast: a bird/.test(await after()));
  await takePicture(window.workbench, 'inline-logs-of-call');
  await page.keyboard.press('Control+j');
  await shown(/fast: a bird/);
});
