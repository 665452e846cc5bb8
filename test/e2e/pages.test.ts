import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumFlags, installBrowser } from '../lab/install.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { isBrowserMissing } from '../support/needs.ts';
import { freePortBlock } from '../support/ports.ts';
import { mustRun, run } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { cacheDir } from '../support/root.ts';
import { until } from '../support/wait.ts';

const markup = [
  `<script>document.title = 'run'</script>`,
  `<img src=x onerror="document.title='run'">`,
  `"><svg onload=alert(1)>`,
  `javascript:alert(1) {{constructor.constructor('return 1')()}} \${1+1} &lt;b&gt;`,
  `\\u001b]8;;https://evil.example\\u0007link\\u001b]8;;\\u0007 \\u202eright to left`,
];

const app = `
import fal
from pydantic import BaseModel


class Input(BaseModel):
    number: int


class Output(BaseModel):
    number: int


class Painter(fal.App, keep_alive=600, max_concurrency=1):
    machine_type = "XS"

    @fal.endpoint("/")
    def paint(self, input: Input) -> Output:
        for line in range(input.number):
            print("line", line)
        return Output(number=input.number)

    @fal.endpoint("/markup")
    def markup(self) -> Output:
${markup.map((text) => `        print("""${text.replaceAll('"', '\\"')}""")`).join('\n')}
        raise ValueError("""${markup[0]}""")
`;

const noBrowser = isBrowserMissing();
let port: number;
let emulator: Emulator;
let dataDir: string;
let project: Project;
let browser: Browser;
let account: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-pages-'));
  port = await freePortBlock();
  emulator = await startEmulator({ dataDir, port });
  project = await createProject(await pythonTools(), emulator, { 'painter.py': app });
  await project.mustFal('deploy', 'painter.py::Painter', '--app-name', 'painter');
  account = await owner(emulator);
  browser = await chromium.launch({ executablePath: await installBrowser(), args: chromiumFlags });
});
afterAll(async () => {
  await browser?.close();
  await project?.remove();
  await emulator?.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

const minifal = (...args: readonly string[]) =>
  mustRun(process.execPath, [minifalCommand, ...args, '--data', dataDir], { env: emulator.env });
const address = async (...args: readonly string[]) =>
  (JSON.parse(await minifal('open', ...args, '--json')) as { readonly url: string }).url;

/** A tab, and everything that a browser objected to in it. */
async function openTab(url: string, options: Parameters<Browser['newContext']>[0] = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.once('close', () => void context.close().catch(() => undefined));
  const objections: string[] = [];
  page.on('console', (message) => message.type() === 'error' && objections.push(message.text()));
  page.on('pageerror', (error) => objections.push(String(error)));
  page.on('dialog', (dialog) => void dialog.dismiss().then(() => objections.push(dialog.message())));
  await page.goto(url);
  return { page, objections };
}

const lines = async (page: Page) =>
  (await page.locator('.row').allInnerTexts()).map((one) => one.replaceAll(/\s+/g, ' '));
const shows = (page: Page, text: RegExp) =>
  until(`a line matches ${text}`, async () => (await lines(page)).some((line) => text.test(line)));
const paint = (number: number) => call(emulator, 'run', `/${account}/painter`, { body: { number } });

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
async function axeFindings(page: Page): Promise<readonly string[]> {
  // Not as a script of the page: its policy forbids that.
  await page.evaluate(axe);
  return page.evaluate<readonly string[]>(`(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 200) + ' ' + failureSummary));
  })()`);
}

describe('the address of `minifal open`', () => {
  it('names the page of an app, and an unknown app is an error with a code', async () => {
    expect(await address()).toMatch(new RegExp(`^http://localhost:${port}/dashboard/logs#code=[\\w-]{43}$`));
    for (const name of ['painter', `${account}/painter`])
      expect(new URL(await address(name)).pathname).toBe(`/dashboard/apps/${account}/painter/logs`);
    const args = [minifalCommand, 'open', 'nothing', '--json', '--data', dataDir];
    const { code, stderr } = await run(process.execPath, args, { env: emulator.env });
    expect([code, JSON.parse(stderr)]).toMatchObject([1, { error: { code: 'APP_UNKNOWN' } }]);
  });

  it('is printed where there is no desktop, and opened by the program that BROWSER names', async () => {
    const none = { ...emulator.env, BROWSER: '', DISPLAY: '', WAYLAND_DISPLAY: '' };
    const args = [minifalCommand, 'open', '--data', dataDir];
    expect(await mustRun(process.execPath, args, { env: none })).toContain(`http://localhost:${port}/dashboard/logs#`);
    const opened = await mustRun(process.execPath, args, { env: { ...none, BROWSER: 'true' } });
    expect(opened).toBe(`Opened http://localhost:${port}/dashboard/logs in your browser.\n`);
  });
});

describe.skipIf(noBrowser)('the log in a browser', () => {
  it('is signed in by the code once, keeps no trace of it, and shows and follows the log', async () => {
    const url = await address();
    const { page, objections } = await openTab(url);
    await page.getByRole('treegrid', { name: 'Log' }).waitFor();
    expect(page.url()).toBe(`http://localhost:${port}/dashboard/logs`);
    await paint(3);
    await shows(page, /line 2/);
    await page.reload();
    await shows(page, /line 2/);
    expect(await page.context().cookies()).toEqual([]);
    expect(objections).toEqual([]);
    expect(emulator.logText()).not.toContain(new URL(url).hash.slice('#code='.length));
    // The same address in another tab: somebody else may have read it, so that both tabs are out.
    const second = await openTab(url);
    await second.page.getByText('This address was opened before').waitFor();
    await page.reload();
    await page.getByText('The emulator was started again.').waitFor();
    await Promise.all([page.close(), second.page.close()]);
  });

  it('asks to sign in without a code, at any of its addresses', async () => {
    for (const path of ['/dashboard/logs', `/dashboard/apps/${account}/painter/logs`]) {
      const { page } = await openTab(`http://localhost:${port}${path}`);
      await page.getByRole('heading', { name: 'Open this page with minifal' }).waitFor();
      expect(await axeFindings(page)).toEqual([]);
      await page.close();
    }
  });

  it('answers 404 for an unknown app with a page that says so', async () => {
    const page = await browser.newPage();
    for (const path of ['', '/logs', '/testing/playground?endpoint=/']) {
      const response = await page.goto(`http://localhost:${port}/dashboard/apps/${account}/nothing${path}`);
      expect(response?.status()).toBe(404);
      await page.getByRole('heading', { name: 'There is no such app' }).waitFor();
    }
    const known = await page.goto(`http://localhost:${port}/dashboard/apps/${account}/painter/testing/playground`);
    expect(known?.status()).toBe(200);
    expect(await axeFindings(page)).toEqual([]);
    await page.close();
  });

  it('shows markup in lines and exceptions as text, and never runs it', async () => {
    const { page, objections } = await openTab(await address('painter'));
    await call(emulator, 'run', `/${account}/painter/markup`, { method: 'POST' });
    await shows(page, /ValueError.*<script>/);
    const shown = (await lines(page)).join('\n');
    for (const text of markup.slice(0, 4)) expect(shown).toContain(text);
    expect(shown).toContain('link \\u202eright to left');
    expect(await page.title()).toBe('Log of painter · minifal');
    expect(await page.locator('.list :is(script, img, svg, a, b)').count()).toBe(0);
    expect(objections).toEqual([]);
    await page.close();
  });

  it('says that the emulator was killed, and continues as it was after a start and `minifal open`', async () => {
    await paint(400);
    const { page } = await openTab(await address('painter'));
    await shows(page, /line 399/);
    const asked = page.waitForResponse(/\/minifal\/logs\?.*text=line/);
    await page.getByRole('textbox', { name: 'Filter' }).fill('line');
    await asked;
    await shows(page, /line 399/);
    const list = page.getByRole('treegrid', { name: 'Log' });
    await list.focus();
    for (const key of ['PageUp', 'PageUp', 'PageUp', 'PageUp']) await page.keyboard.press(key);
    const state = async () => ({
      selected: await page.locator('.row[aria-selected="true"] .text').textContent(),
      top: await list.evaluate((one: { readonly scrollTop: number }) => one.scrollTop),
      filter: await page.getByRole('textbox', { name: 'Filter' }).inputValue(),
    });
    const before = await state();
    await emulator.kill('SIGKILL');
    // docs/quality.md: within 2 s.
    await page.getByText('The emulator is not running.').waitFor({ timeout: 2_000 });
    emulator = await startEmulator({ dataDir, port });
    await page.getByText('The emulator was started again. Run "minifal open" in a terminal').waitFor();
    // As `minifal open` does: another tab of the same browser.
    const other = await page.context().newPage();
    await other.goto(await address());
    await page.getByText('The emulator was started again.').waitFor({ state: 'hidden' });
    await other.close();
    // The notice takes room above the list, so the last pixels may differ.
    const after = await state();
    expect({ ...after, top: 0 }).toEqual({ ...before, top: 0 });
    expect(Math.abs(after.top - before.top)).toBeLessThan(100);
    await paint(401);
    await list.press('End');
    await shows(page, /line 400/);
    await page.close();
  });

  const looks = [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['high-contrast', { colorScheme: 'dark', contrast: 'more' }],
    ['high-contrast-light', { colorScheme: 'light', contrast: 'more' }],
    ['forced-colors', { forcedColors: 'active' }],
  ] as const;
  it.each(looks)('can be read and used with the keyboard in %s, 320 and 1600 px wide', async (name, media) => {
    await call(emulator, 'run', `/${account}/painter/markup`, { method: 'POST' });
    for (const width of [320, 1600]) {
      const { page, objections } = await openTab(await address(), { ...media, viewport: { width, height: 700 } });
      await shows(page, /ValueError/);
      await page.getByRole('combobox', { name: 'Level' }).waitFor();
      expect(await axeFindings(page)).toEqual([]);
      const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
      expect(await page.evaluate(wide)).toBe(false);
      // An ordinary user may not write there.
      const picture = join(cacheDir, 'screenshots', `page-logs.${name}.${width}.png`);
      await page.screenshot({ path: picture }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EACCES') throw error;
      });
      // From the list, which has the focus, backwards to the commands.
      await page.getByRole('button', { name: 'Wrap Lines' }).focus();
      await page.keyboard.press('Enter');
      await page.locator('.list.wrapped').waitFor();
      expect(objections).toEqual([]);
      await page.close();
    }
  });
});
