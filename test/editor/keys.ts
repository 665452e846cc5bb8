import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';

/** A user's keys in a window, and what they lead to. */
export function keysIn(window: () => FalWindow) {
  const page = () => window().workbench.page;

  const press = (...keys: readonly string[]) =>
    keys.reduce((before, key) => before.then(() => page().keyboard.press(key)), Promise.resolve());

  /** The text of a screen reader for the focused element. */
  function focused(): Promise<string> {
    return page().evaluate<string>(`(() => {
      const list = document.activeElement;
      const id = list?.getAttribute('aria-activedescendant');
      const at = (id && document.getElementById(id)) || list;
      return (at?.getAttribute('aria-label') ?? at?.textContent ?? '').replaceAll('\\u00a0', ' ').trim();
    })()`);
  }

  /** Presses a key until the expected element has the focus; fails after one round. */
  async function reach(key: string, wanted: RegExp, maxSteps = 40): Promise<string> {
    const seen: string[] = [];
    for (let step = 0; step < maxSteps; step++) {
      const now = await focused();
      if (wanted.test(now)) return now;
      seen.push(now);
      await press(key);
    }
    throw new Error(`${key} does not lead to ${wanted}, only to ${JSON.stringify(seen)}`);
  }

  /** Runs a command from the palette. */
  async function runTyped(title: string): Promise<void> {
    const labels = page().locator('.quick-input-widget:visible .monaco-list-row .quick-input-list-row:first-child');
    const offered = labels.filter({ hasText: new RegExp(title) });
    const chosen = page().locator('.quick-input-widget:visible .monaco-list-row.focused .label-name');
    await until(
      `the palette has ${title}`,
      async () => {
        await press('F1');
        await page().keyboard.type(title);
        const isThere = await offered
          .first()
          .waitFor({ timeout: 3_000 })
          .then(
            () => true,
            () => false,
          );
        // Commands with similar names may come first.
        for (let step = 0; isThere && step < 10; step++) {
          if ((await chosen.first().textContent())?.replaceAll('\u00a0', ' ').endsWith(title)) return true;
          await press('ArrowDown');
        }
        await press('Escape');
        return false;
      },
      { timeoutMs: 60_000 },
    );
    await press('Enter');
  }

  /** Focuses the first row of a view. Parts of the editor that open late may take the focus again. */
  async function focusView(name: string, first: RegExp): Promise<void> {
    await until(`the view ${name} has the focus`, async () => {
      await runTyped(`fal: Focus on ${name} View`);
      await page()
        .locator('.sidebar .pane :focus')
        .waitFor({ timeout: 2_000 })
        .catch(() => undefined);
      await press('Home');
      return first.test(await focused());
    });
  }

  const menuItems = () => page().locator('.monaco-menu .action-item .action-label:visible');

  /** Opens a menu by a key, and returns the labels of its items. Any change of focus closes a menu: it opens again. */
  function menu(key = 'Shift+F10'): Promise<readonly string[]> {
    return until(
      'a menu is open',
      async () => {
        await press(key);
        await menuItems()
          .first()
          .waitFor({ timeout: 5_000 })
          .catch(() => undefined);
        const labels = (await menuItems().allInnerTexts()).map((text) => text.trim()).filter(Boolean);
        return labels.length > 0 && labels;
      },
      { timeoutMs: 60_000 },
    );
  }

  /** Chooses an item of the menu of the focused row. */
  async function choose(label: string): Promise<void> {
    const chosen = page().locator('.monaco-menu .action-item.focused .action-label');
    await until(
      `${label} is chosen`,
      async () => {
        const offered = await menu();
        if (!offered.includes(label)) throw new Error(`the menu has no ${label}, only ${offered.join(', ')}`);
        // Without the menu, the key would move to another row.
        for (let step = 0; step <= offered.length && (await menuItems().count()) > 0; step++) {
          const now = await chosen.allInnerTexts();
          if (now[0]?.trim() === label) {
            await press('Enter');
            return true;
          }
          await press('ArrowDown');
        }
        return false;
      },
      { timeoutMs: 60_000 },
    );
  }

  /** Whether keys go to something: the focus isn't lost. */
  const hasFocus = () =>
    page().evaluate<boolean>('document.activeElement !== null && document.activeElement !== document.body');

  return { press, focused, reach, runTyped, focusView, menu, choose, hasFocus };
}
