import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { readLocalKey } from '../../../emulator/local/data-folder.ts';
import { startVsCode } from '../../lab/vscode.ts';
import { until } from '../../support/wait.ts';
import { openFalWindow } from '../fal-window.ts';
import { type Machine, makeMachine } from '../machine.ts';
import { type Figure, median } from './figure.ts';
import { lensOf, watchRows, watchSign } from './page.ts';

const rounds = 5;
const calls = 20;

/** In one window: from a click to its first sign, and from an event in the emulator to the row that shows it. */
export async function inWindow(vsix: string): Promise<readonly Figure[]> {
  const machine = await makeMachine();
  const vscode = await startVsCode({ ...machine.options, vsix: [vsix] });
  try {
    const window = await openFalWindow(await vscode.page());
    const { page } = window.workbench;
    await window.workbench.openFile('slow.py');
    await lensOf(page, 'Run Local').waitFor();
    await window.workbench.command('fal: Start Emulator');
    await machine.emulator();
    // Its sign would be taken for that of the run.
    await page.locator('.statusbar').filter({ hasText: 'Starting' }).waitFor({ state: 'hidden' });
    const state = (text: RegExp) => page.locator('.codelens-decoration').filter({ hasText: text }).first().waitFor();
    const runs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      runs.push(await sign(page, 'Run Local', /Starting|fal run/));
      await state(/setup|idle/);
      await window.workbench.command('fal: Stop Run');
      await state(/not.running/);
    }
    const deploy = await sign(page, 'Deploy Local', /Deploying/);
    await window.workbench.toast('is deployed');
    console.log(`  runs: ${runs.map(Math.round).join(', ')} ms; deploy: ${Math.round(deploy)} ms`);
    const rows = await eventToRow(page, machine, () => window.showApps());
    return [
      { what: 'click on Run to its first sign, median', value: median(runs), budget: 100, unit: 'ms' },
      { what: 'click on Deploy to its first sign', value: deploy, budget: 100, unit: 'ms' },
      { what: 'event in the emulator to its row, median', value: median(rows), budget: 200, unit: 'ms' },
      { what: 'event in the emulator to its row, worst', value: Math.max(...rows), budget: 200, unit: 'ms' },
    ];
  } finally {
    await vscode.close();
    await machine.remove();
  }
}

async function sign(page: Page, lens: string, text: RegExp): Promise<number> {
  const seen = await watchSign(page, text);
  await lensOf(page, lens).click();
  return seen();
}

/** Sends requests to the deployed app, and compares the times of sending with those at which rows changed. */
async function eventToRow(page: Page, machine: Machine, showApps: () => Promise<void>): Promise<readonly number[]> {
  await showApps();
  const { ports } = await machine.emulator();
  const key = readLocalKey(machine.dataDir);
  const owner = await until('the app has an address', async () => {
    const config = await readFile(join(machine.dataDir, 'emulator.json'), 'utf8').catch(() => '{}');
    return (JSON.parse(config) as { owner?: string }).owner ?? 'local';
  });
  const headers = { authorization: `Key ${key}`, 'content-type': 'application/json' };
  const url = `http://localhost:${ports.run}/${owner}/slow`;
  const call = async () => (await fetch(url, { method: 'POST', headers, body: '{"seconds":0.7}' })).text();
  await call();
  const texts = await watchRows(page);
  const took: number[] = [];
  for (let index = 0; index < calls; index++) {
    // At any point of the times at which the emulator and the view group changes.
    await sleep(1_000 + 37 * index);
    const sent = Date.now();
    await call();
    const shown = (await texts()).find(([at, text]) => at >= sent && /busy|in flight|RUNNING|running/.test(text));
    took.push((shown?.[0] ?? Number.NaN) - sent);
  }
  return took;
}
