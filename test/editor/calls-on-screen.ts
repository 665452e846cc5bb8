import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';

/** The documents of calls in a window: what they show, and how a user works with them. */
export function callsOnScreen(window: () => FalWindow) {
  /** The texts of the editors on screen, with their lenses. */
  function editors(): Promise<readonly { readonly lenses: string; readonly text: string }[]> {
    return window().workbench.page.evaluate(`
      [...document.querySelectorAll('.editor-instance')].map((editor) => {
        const sorted = (css) => [...editor.querySelectorAll(css)]
          .map((node) => ({ text: node.textContent.replaceAll('\\u00a0', ' '), top: node.getBoundingClientRect().top }))
          .sort((a, b) => a.top - b.top).map(({ text }) => text);
        return { lenses: sorted('.codelens-decoration').join('\\n'), text: sorted('.view-line').join('\\n') };
      })`);
  }

  return {
    editors,
    /** Waits for an editor whose lenses and text match. */
    async shown(lenses: RegExp, text: RegExp): Promise<void> {
      const fits = async () => (await editors()).some((one) => lenses.test(one.lenses) && text.test(one.text));
      await until(`an editor shows ${lenses} and ${text}`, fits, { timeoutMs: 90_000 }).catch(async (error: Error) => {
        throw new Error(`${error.message}; they show ${JSON.stringify(await editors())}`);
      });
    },
    async clickLens(title: string): Promise<void> {
      const exactly = new RegExp(`^${title}$`);
      await window().workbench.page.locator('.codelens-decoration a').filter({ hasText: exactly }).first().click();
    },
    /** Replaces the line of a document that contains a text. */
    async write(from: string, to: string): Promise<void> {
      const { page } = window().workbench;
      await page.locator('.editor-instance .view-line').filter({ hasText: from }).first().click();
      await page.keyboard.press('Home');
      await page.keyboard.press('Shift+End');
      await page.keyboard.insertText(to);
    },
  };
}
