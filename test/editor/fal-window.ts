import { randomUUID } from 'node:crypto';
import type { Locator, Page } from 'playwright-core';
import { unclear } from '../../extension/views/testing/meaning.ts';
import { openWorkbench, type Workbench } from '../lab/workbench.ts';
import { until } from '../support/wait.ts';
import { takePicture } from './pictures.ts';

/** A user's actions with the extension in one window. */
export interface FalWindow {
  readonly workbench: Workbench;
  /** Shows the view container "fal". */
  showApps(): Promise<void>;
  /** Rows of the trees that are shown, as `label description`; everything is unfolded first. */
  rows(): Promise<readonly string[]>;
  /** Waits until a row matches that is shown without unfolding anything. Returns all of those. */
  rowIsSeen(text: RegExp): Promise<readonly string[]>;
  /** Waits for a row of any view whose `label description` matches. */
  row(text: RegExp): Promise<Locator>;
  /** From now on, records every state that the row of a runner shows, by the labels of its app and its own. */
  watchStates(): Promise<() => Promise<{ readonly [runner: string]: readonly string[] }>>;
  /** The view's text in place of a tree. */
  welcome(text: RegExp): Promise<Locator>;
  /** An item of the status bar. */
  status(text: RegExp): Promise<Locator>;
  /** The window as it is, below test/.cache/screenshots, for manual review. */
  picture(name: string): Promise<void>;
  /** Like closing the tab: the page disconnects from its extension host. */
  close(): Promise<void>;
}

export async function openFalWindow(page: Page): Promise<FalWindow> {
  const workbench = await openWorkbench(page);
  const items = page.locator('.sidebar [role=treeitem]');

  /** @throws if a row doesn't say at its beginning what it is about */
  async function texts(): Promise<readonly string[]> {
    const all = await items.evaluateAll(
      (rows: readonly { querySelector(css: string): { textContent: string | null } | null }[]) =>
        rows.map((row) =>
          ['.label-name', '.label-description'].map((css) => row.querySelector(css)?.textContent ?? '').join(' '),
        ),
    );
    const wrong = unclear(all.map((text) => text.trim()).filter((text) => text !== ''));
    if (wrong.length > 0)
      throw new Error(`the first 30 characters of these rows don't say enough: ${wrong.join('; ')}`);
    return all;
  }

  async function unfold(): Promise<void> {
    const folded = page.locator('.sidebar [role=treeitem][aria-expanded=false]');
    for (let left = await folded.count(); left > 0; left = await folded.count()) {
      // The row may have disappeared or been expanded before the click; the next round checks again.
      await folded
        .first()
        .locator('.monaco-tl-twistie')
        .click({ timeout: 2_000 })
        .catch(() => undefined);
    }
  }

  return {
    workbench,
    showApps: () => workbench.showContainer('fal'),
    async rows() {
      await unfold();
      return texts();
    },
    rowIsSeen: (text) =>
      until(`a row matches ${text} without unfolding`, async () => {
        const all = await texts();
        return all.some((row) => text.test(row)) && all;
      }),
    row(text) {
      return until(
        `a row matches ${text}`,
        async () => {
          await unfold();
          const at = (await texts()).findIndex((row) => text.test(row));
          return at < 0 ? undefined : items.nth(at);
        },
        { timeoutMs: 60_000 },
      ).catch(async (error: Error) => {
        throw new Error(`${error.message}; the rows are ${JSON.stringify(await texts())}`);
      });
    },
    async watchStates() {
      const name = `states_${randomUUID().replaceAll('-', '')}`;
      await page.evaluate(`
        window.${name} = {};
        const look = () => {
          const at = (row, name) => Number(row.getAttribute(name));
          // Only those of the first view, which has the runners.
          const rows = [...document.querySelector('.sidebar [role=tree]')?.querySelectorAll('[role=treeitem]') ?? []]
            .sort((a, b) => at(a, 'data-index') - at(b, 'data-index'));
          let app = '';
          for (const row of rows) {
            const label = row.querySelector('.label-name')?.textContent;
            if (at(row, 'aria-level') === 1) app = label;
            const text = row.querySelector('.label-description')?.textContent ?? '';
            const state = /^(waiting|setup|idle|running|finishing|stopping|failed|ended)\\b/.exec(text)?.[1];
            if (!label || !state) continue;
            const seen = (window.${name}[app + ' ' + label] ??= []);
            if (seen.at(-1) !== state) seen.push(state);
          }
        };
        const changes = { subtree: true, childList: true, characterData: true };
        new MutationObserver(look).observe(document.querySelector('.sidebar'), changes);
        look();
      `);
      return () => page.evaluate<{ readonly [runner: string]: readonly string[] }>(`window.${name}`);
    },
    async welcome(text) {
      const welcome = page.locator('.sidebar .welcome-view-content').filter({ hasText: text });
      await welcome.first().waitFor();
      return welcome.first();
    },
    async status(text) {
      const item = page.locator('.statusbar-item').filter({ hasText: text });
      await item.first().waitFor();
      return item.first();
    },
    picture: (name) => takePicture(workbench, `${name}.dark`),
    async close() {
      await page.goto('about:blank');
      await page.close();
    },
  };
}
