import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

/** axe's findings in the window, as `rule: element`, by the part of the window that they concern. */
export interface Objections {
  /** Inside the extension's own parts. */
  readonly ours: readonly string[];
  /** Anywhere else. */
  readonly editors: readonly string[];
}

/**
 * The extension's own parts: its views with their rows or welcome (their headers are the editor's), its tab in the
 * activity bar, its item in the status bar, the lenses (those in the tests are all its own).
 */
const ourParts = [
  '.sidebar .pane-body',
  '.activitybar [aria-label^="fal"]',
  '.statusbar-item[id*="minifal"]',
  '.codelens-decoration',
];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** axe's finding for one element. */
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly ours: boolean }[];
}

/**
 * Runs axe (rules of WCAG 2.2, A and AA) over the whole window. Without its experimental rule that the spoken text must
 * contain all visible text: spoken ages change only every minute on purpose, and a unit test checks that each row's
 * spoken text contains its label.
 */
export async function objections(page: Page): Promise<Objections> {
  await page.evaluate(axe);
  const violations = await page.evaluate<readonly Violation[]>(`(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await axe.run(document, {
      runOnly: tags,
      resultTypes: ['violations'],
      rules: { 'label-content-name-mismatch': { enabled: false } },
    });
    const ours = ${JSON.stringify(ourParts.join(', '))};
    const isOurs = (rule, css) => {
      const found = document.querySelector(css);
      // The editor draws the buttons of rows, and decides their size; and the theme decides the colour of lenses.
      const others = rule === 'color-contrast' ? '.actions, .codelens-decoration' : '.actions';
      return found?.closest(ours) !== null && found?.closest(others) === null;
    };
    return violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html, target }) => ({ html, ours: isOurs(id, [target[0]].flat()[0]) })),
    }));
  })()`);
  const all = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, ours }) => ({ ours, text: `${id}: ${html.slice(0, 200)}` })),
  );
  const of = (ours: boolean) => all.filter((one) => one.ours === ours).map(({ text }) => text);
  return { ours: of(true), editors: of(false) };
}

/** The contrast of each icon in the tree's rows with its background, by the icon's name. */
export function iconContrasts(page: Page): Promise<{ readonly [icon: string]: number }> {
  return page.evaluate<{ readonly [icon: string]: number }>(`(() => {
    const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => {
      const [R, G, B] = [r, g, b].map((v) => v / 255).map(
        (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4),
      );
      return 0.2126 * R + 0.7152 * G + 0.0722 * B;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = numbers(getComputedStyle(at).backgroundColor);
        if (color.length === 3 || color[3] === 1) return color;
      }
      return [255, 255, 255];
    };
    const found = {};
    for (const icon of document.querySelectorAll('.sidebar [role=treeitem] .custom-view-tree-node-item-icon')) {
      const name = [...icon.classList].find((one) => /^codicon-(?!modifier)/.test(one)) ?? icon.className;
      const [a, b] = [luminance(numbers(getComputedStyle(icon).color)), luminance(behind(icon))].sort((x, y) => y - x);
      found[name] = Math.round(((a + 0.05) / (b + 0.05)) * 10) / 10;
    }
    return found;
  })()`);
}
