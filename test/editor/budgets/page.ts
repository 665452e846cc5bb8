import type { Page } from 'playwright-core';

/** Lenses are links with spaces that don't break. */
export function lensOf(page: Page, title: string) {
  return page
    .locator('.codelens-decoration a')
    .filter({ hasText: new RegExp(`^${title}$`) })
    .first();
}

/**
 * The time from the next press of the mouse to the first text that matches, measured in the page: in the status bar,
 * a notification, the tabs of the panel or an editor. Texts that were there before don't count.
 */
export async function watchSign(page: Page, text: RegExp): Promise<() => Promise<number>> {
  await page.evaluate(`(() => {
    const wanted = new RegExp(${JSON.stringify(text.source)}, 'g');
    const places = '.statusbar, .notifications-toasts, .part.panel, .part.editor, .quick-input-widget';
    const count = () => [...document.querySelectorAll(places)]
      .reduce((sum, place) => sum + (place.textContent.replaceAll('\\u00a0', ' ').match(wanted)?.length ?? 0), 0);
    window.sign = new Promise((resolve) => {
      let began;
      let before = 0;
      addEventListener('mousedown', () => {
        before = count();
        began = performance.now();
      }, { capture: true, once: true });
      const observer = new MutationObserver(() => {
        if (began === undefined || count() <= before) return;
        observer.disconnect();
        resolve(performance.now() - began);
      });
      // No sign at all is over each budget.
      setTimeout(() => resolve(undefined), 20_000);
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    });
  })()`);
  return async () => (await page.evaluate<number | undefined>('window.sign')) ?? Number.NaN;
}

/** Keeps the time (milliseconds since the epoch) of each change of the text of the side bar's rows. */
export async function watchRows(page: Page): Promise<() => Promise<readonly (readonly [number, string])[]>> {
  await page.evaluate(`(() => {
    window.rowTexts = [];
    const look = () => {
      const text = [...document.querySelectorAll('.sidebar [role=treeitem]')].map((row) => row.textContent).join('\\n');
      if (window.rowTexts.at(-1)?.[1] !== text) window.rowTexts.push([Date.now(), text]);
    };
    new MutationObserver(look).observe(document.querySelector('.sidebar'),
      { subtree: true, childList: true, characterData: true });
    look();
  })()`);
  return () => page.evaluate('window.rowTexts');
}
