import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { startVsCode } from '../../lab/vscode.ts';
import { mustRun } from '../../support/process.ts';
import { findUv } from '../../support/uv.ts';
import { openFalWindow } from '../fal-window.ts';
import { makeMachine } from '../machine.ts';
import type { Figure } from './figure.ts';
import { lensOf } from './page.ts';

const app = `import fal
from pydantic import BaseModel


class Prompt(BaseModel):
    prompt: str = "a cat"


class Painter(fal.App):
    machine_type = "XS"

    @fal.endpoint("/")
    def paint(self, input: Prompt) -> dict:
        return {"text": input.prompt.upper()}
`;

/**
 * A user's way from the installed extension to the first answer of an app of their own, in a project whose environment
 * doesn't have fal yet: clicks and seconds. The file of the app is open, and the packages are in uv's cache.
 */
export async function firstAnswer(vsix: string): Promise<readonly Figure[]> {
  const machine = await makeMachine({ folder: 'empty', settings: { 'minifal.pythonPath': '' } });
  await writeFile(join(machine.workspace, 'painter.py'), app);
  await mustRun(await findUv(), ['venv', '--quiet', '--python', machine.python, join(machine.workspace, '.venv')]);
  const vscode = await startVsCode({ ...machine.options, vsix: [vsix] });
  try {
    const { workbench } = await openFalWindow(await vscode.page());
    const { page } = workbench;
    await workbench.openFile('painter.py');
    await lensOf(page, 'Call').waitFor();
    let clicks = 0;
    const began = performance.now();
    const click = async (what: Locator, name: string) => {
      await what.click();
      clicks++;
      console.log(`  click ${clicks} after ${((performance.now() - began) / 1_000).toFixed(1)} s: ${name}`);
    };
    const send = lensOf(page, 'Send');
    const install = page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'Install fal' });
    await click(lensOf(page, 'Call'), 'the lens Call');
    await send.or(install).first().waitFor({ timeout: 90_000 });
    if (await install.isVisible()) await click(install, 'Install fal');
    await send.waitFor({ timeout: 90_000 });
    await click(send, 'the lens Send');
    const answer = page.locator('.codelens-decoration').filter({ hasText: /^200/ });
    await answer.first().waitFor({ timeout: 90_000 });
    const seconds = (performance.now() - began) / 1_000;
    return [
      { what: 'clicks to the first answer of an own app', value: clicks, budget: 3, unit: '' },
      { what: 'time to the first answer of an own app', value: seconds, budget: 15, unit: 's' },
    ];
  } finally {
    await vscode.close();
    await machine.remove();
  }
}
