import { errors, type Locator, type Page } from 'playwright-core';
import { until } from '../support/wait.ts';

/** A user's actions in an editor window, in the editor's terms. Every wait is for a state. */
export interface Workbench {
  readonly page: Page;
  /**
   * Runs a command of the palette by its whole title, e.g. `fal: Start Emulator`, and chooses these rows of the quick
   * picks that it opens, one each. Runs it again if a quick pick closes first, which any change of focus does.
   */
  command(title: string, ...picks: readonly string[]): Promise<void>;
  /** Titles that the palette offers for a search. */
  offeredCommands(search: string): Promise<readonly string[]>;
  /** Opens a file of the workspace by the end of its path, and waits until its text is shown. */
  openFile(path: string): Promise<void>;
  /** Chooses the row whose label contains `label` in the quick pick that is open or about to open. */
  pick(label: string): Promise<void>;
  /** Waits for a notification whose text matches. */
  toast(text: string | RegExp): Promise<Locator>;
  /** Presses the button of a notification. */
  pressInToast(text: string | RegExp, button: string): Promise<void>;
  /** Shows a container of the activity bar. */
  showContainer(title: string): Promise<void>;
  /** The pane of a view in the side bar. */
  view(name: string): Locator;
  /** Types a line into the visible terminal. Its output is drawn on a canvas, so let the command write to a file. */
  typeInTerminal(line: string): Promise<void>;
  /** Waits until the terminal of this name is visible. */
  terminalIsShown(name: string): Promise<void>;
  /** Chooses a terminal in the list. */
  selectTerminal(name: string): Promise<void>;
  /** Ends the terminal of this name, which must be visible. */
  killTerminal(name: string): Promise<void>;
}

/** Waits until the window is usable. */
export async function openWorkbench(page: Page): Promise<Workbench> {
  page.setDefaultTimeout(60_000);
  await page.locator('.monaco-workbench .statusbar').waitFor();

  const input = page.locator('.quick-input-widget:visible input:visible').first();
  const rows = page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row');
  // The second line of a row has the English title if the window is in another language.
  const labels = rows.locator('.quick-input-list-row:first-child .label-name');

  const titles = async () => (await labels.allInnerTexts()).map((title) => title.replaceAll('\u00a0', ' '));

  /** Retries the whole sequence: any change of focus closes the palette, and extensions load late. */
  async function inPalette<T>(search: string, act: () => Promise<T | undefined>): Promise<T> {
    let seen: readonly string[] = [];
    const look = async (): Promise<T | undefined> => {
      try {
        await page.keyboard.press('F1');
        await input.fill(`>${search}`, { timeout: 3_000 });
        await labels.first().waitFor({ timeout: 3_000 });
        seen = await titles();
        const done = await act();
        if (done !== undefined) return done;
      } catch (error) {
        if (!(error instanceof errors.TimeoutError)) throw error;
      }
      await page.keyboard.press('Escape');
      await input.waitFor({ state: 'hidden' });
      return undefined;
    };
    return until(`the palette has "${search}"`, look, { timeoutMs: 60_000, everyMs: 200 }).catch((error: Error) => {
      throw new Error(`${error.message}; it has ${JSON.stringify(seen)}`, { cause: error });
    });
  }

  async function command(title: string, ...picks: readonly string[]): Promise<void> {
    await inPalette(title, async () => {
      const at = (await titles()).indexOf(title);
      if (at < 0) return undefined;
      await rows.nth(at).click({ timeout: 3_000 });
      for (const label of picks) await pick(label, 15_000);
      return true;
    });
  }

  async function pick(label: string, timeout = 60_000): Promise<void> {
    // The palette has the same input. While it closes, it would take the label for the name of a file, and open that.
    await until('the palette is closed', async () => {
      const text = await input.inputValue({ timeout: 1_000 }).catch(() => '');
      return !text.startsWith('>');
    });
    // Only rows on the screen exist, so the list is narrowed first.
    await input.fill(label, { timeout });
    await rows.filter({ hasText: label }).first().click({ timeout });
  }

  async function openFile(path: string): Promise<void> {
    const name = path.split('/').at(-1) ?? path;
    const tab = page.locator('.tab.active').filter({ hasText: name });
    await until(
      `${path} is open`,
      async () => {
        await page.keyboard.press('F1');
        await input.fill(path, { timeout: 3_000 }).catch(() => undefined);
        // The list first has the matches of names, and then is replaced by those of paths.
        const found = rows.filter({ hasText: name }).first();
        await found.click({ timeout: 3_000 }).catch(() => undefined);
        return tab.waitFor({ timeout: 3_000 }).then(
          () => true,
          () => false,
        );
      },
      { timeoutMs: 60_000 },
    );
    await page.locator('.editor-instance .view-line').first().waitFor();
  }

  const toasts = (text: string | RegExp) => page.locator('.notification-toast').filter({ hasText: text });

  // Another one has the command that has scrolled away.
  const screen = page.locator('.terminal-wrapper.active .xterm-screen').first();
  const terminalTab = (name: string) => page.locator('.terminal-tabs-entry').filter({ hasText: name }).first();

  return {
    page,
    command,
    openFile,
    async offeredCommands(search) {
      const offered = await inPalette(search, titles);
      await page.keyboard.press('Escape');
      return offered;
    },
    pick: (label) => pick(label),
    async toast(text) {
      const toast = toasts(text).first();
      await toast.waitFor();
      return toast;
    },
    async pressInToast(text, button) {
      await toasts(text).first().getByRole('button', { name: button }).click();
    },
    async showContainer(title) {
      const tab = page.locator('.activitybar').getByRole('tab', { name: new RegExp(`^${escapeRegExp(title)}`) });
      await until(
        `the side bar shows ${title}`,
        async () => {
          if ((await tab.getAttribute('aria-selected')) === 'true') return true;
          await tab.click();
          return false;
        },
        { timeoutMs: 60_000 },
      );
    },
    view: (name) =>
      page.locator('.sidebar .pane').filter({ has: page.locator('.pane-header .title', { hasText: name }) }),
    async terminalIsShown(name) {
      await page.locator('.terminal-tabs-entry.is-active').filter({ hasText: name }).waitFor();
      await screen.waitFor();
    },
    async typeInTerminal(line) {
      await screen.click();
      await page.keyboard.type(line);
      await page.keyboard.press('Enter');
    },
    selectTerminal: (name) => terminalTab(name).click(),
    async killTerminal(name) {
      await command('Terminal: Kill the Active Terminal Instance');
      await terminalTab(name).waitFor({ state: 'detached' });
    },
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
