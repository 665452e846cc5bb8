import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';

/**
 * Shows the tooltip of a row, passes its text to `act`, and hides it again. Does so again if the row is redrawn or
 * moves in the meantime, so that the tooltip is another row's or none.
 */
export async function withTooltip(
  { workbench, row }: FalWindow,
  of: RegExp,
  wanted: RegExp,
  act: (text: string) => Promise<void> = async () => undefined,
): Promise<string> {
  const { page } = workbench;
  const shown = page.locator('.workbench-hover:visible .hover-contents').first();
  const found = shown.filter({ hasText: wanted });

  async function look(): Promise<string | undefined> {
    await found.waitFor({ timeout: 2_000 });
    const text = (await found.textContent({ timeout: 2_000 })) ?? '';
    const isOpaque = async () => (await found.evaluate(opacitiesOf, undefined, { timeout: 2_000 })).every(isOne);
    await until('it is not transparent any more', isOpaque, { timeoutMs: 2_000 });
    await act(text.replaceAll('\u00a0', ' '));
    return (await found.isVisible()) ? text.replaceAll('\u00a0', ' ') : undefined;
  }

  const text = await until(
    `the tooltip of ${of} has ${wanted}`,
    async () => {
      await page.mouse.move(900, 300);
      await (await row(of)).locator('.label-name').hover();
      return look().catch(() => undefined);
    },
    { timeoutMs: 90_000 },
  );
  await page.mouse.move(900, 300);
  await shown.waitFor({ state: 'hidden' });
  return text;
}

function isOne(opacity: string): boolean {
  return opacity === '1';
}

interface PageElement {
  readonly parentElement: PageElement | null;
  readonly ownerDocument: { readonly defaultView: { getComputedStyle(of: PageElement): { readonly opacity: string } } };
}

/** Of an element of the page and those around it. */
function opacitiesOf(element: unknown): readonly string[] {
  const opacities: string[] = [];
  for (let one = element as PageElement | null; one; one = one.parentElement)
    opacities.push(one.ownerDocument.defaultView.getComputedStyle(one).opacity);
  return opacities;
}

/** Takes a screenshot of the tooltip of a row in each theme. @returns its text */
export async function takeTooltips(window: FalWindow, name: string, of: RegExp, wanted: RegExp): Promise<string> {
  let text = '';
  await inEachTheme(window.workbench, async (look) => {
    text = await withTooltip(window, of, wanted, () => takePicture(window.workbench, `${name}.${look.name}`));
  });
  return text;
}
