import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { tryJson } from '../../emulator/local/try-json.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { takePicture, takePictures } from './pictures.ts';
import { callRun, openPainter, runPainter } from './run-helpers.ts';
import type { Scene } from './scene.ts';
import { takeTooltips } from './tooltips.ts';

/** Each start writes what looks like the same weights, which the advice is about. */
const app = `import tempfile
import time
import unittest.mock
import xml.dom.minidom

import fal


class Painter(fal.App):
    machine_type = "XS"

    def setup(self):
        with tempfile.TemporaryFile() as weights:
            for _ in range(60):
                weights.write(bytes(1_000_000))
        time.sleep(2)

    @fal.endpoint("/")
    def answer(self) -> str:
        import decimal

        time.sleep(0.4)
        return str(decimal.Decimal(1))
`;

let scene: Scene;
let window: FalWindow;

beforeAll(async () => {
  ({ scene, window } = await openPainter(app));
  await runPainter(scene, window);
  await window.workbench.command('fal: Restart App');
  await window.row(/^runner 2 idle/);
  await callRun(scene);
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `starts-failed-${task.name.slice(0, 30)}`);
});

it('has the waterfall of a start, the change, and advice in the tooltip of its runner', async () => {
  const text = await takeTooltips(window, 'start-tooltip', /^runner 2 idle/, /First call/);
  expect(text).toMatch(/Start: Ready after \d.* runner 1\./);
  for (const stage of ['Waiting for a slot', 'Environment', 'Process', 'Imports of the app', 'First call'])
    expect(text).toMatch(new RegExp(`${stage} +\\d[\\d.]* (ms|s) +[█▏]`));
  expect(text).toMatch(/setup\(\) +[2-9]\.\d s {2}.*██/);
  expect(text).toContain('If it downloads weights, keep them below /data');
  expect(text).toContain('Show Start | Export Start as Trace');
});

it('opens the whole start from there as a document, with the times of the start before', async () => {
  const { page } = window.workbench;
  await until('the link was clicked', async () => {
    await page.mouse.move(900, 300);
    await (await window.row(/^runner 2 idle/)).locator('.label-name').hover();
    const link = page.locator('.workbench-hover:visible').getByRole('link', { name: 'Show Start', exact: true });
    return link.click({ timeout: 3_000 }).then(
      () => true,
      () => false,
    );
  });
  await page.mouse.move(900, 300);
  await page.locator('.tab.active').filter({ hasText: 'Start of runner 2 of painter (run).txt' }).waitFor();
  const lines = async () =>
    (await page.locator('.editor-instance .view-line').allInnerTexts()).map((line) => line.replaceAll('\u00a0', ' '));
  await until('it has the table', async () => (await lines()).some((line) => /^ +First call +\d/.test(line)));
  const text = (await lines()).join('\n');
  expect(text).toMatch(/^# Start of runner 2 of painter \(run\)$/m);
  expect(text).toMatch(/^ +setup\(\) +[2-9]\.\d s +[2-9]\.\d s +█+$/m);
  expect(text).toMatch(/^## Advice$/m);
  await takePictures(window.workbench, 'start-document');
});

it('exports it for viewers of Chrome traces', async () => {
  const { page, command } = window.workbench;
  await command('fal: Export Start as Trace', 'runner 2');
  const input = page.locator('.quick-input-widget:visible input').first();
  await until('the editor asks for the file', async () => (await input.inputValue()).endsWith('runner-2.json'));
  const path = await input.inputValue();
  await input.press('Enter');
  interface Trace {
    readonly traceEvents: readonly { readonly ph: string; readonly name: string; readonly dur: number }[];
  }
  const { traceEvents } = await until('the file is written, all of it', () =>
    readFile(path, 'utf8').then(
      (text) => tryJson(text) as Trace | undefined,
      () => undefined,
    ),
  );
  const names = traceEvents.filter(({ ph }) => ph === 'X').map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['start', 'slot', 'environment', 'process', 'imports', 'setup', 'firstCall']),
  );
  expect(traceEvents.find(({ name }) => name === 'setup')?.dur).toBeGreaterThan(2_000_000);
});

it('explains the state of a runner in a document', async () => {
  const { page, command } = window.workbench;
  await command('fal: Explain State', 'runner 2');
  await page.locator('.tab.active').filter({ hasText: 'State of runner 2 of painter (run).md' }).waitFor();
  const lines = async () =>
    (await page.locator('.editor-instance .view-line').allInnerTexts()).map((line) => line.replaceAll('\u00a0', ' '));
  await until('it has the cause', async () => (await lines()).some((line) => /^Cause: kept$/.test(line)));
  expect((await lines()).join('\n')).toMatch(/Runner 2 is idle and stays/);
  await takePictures(window.workbench, 'why-document');
});
