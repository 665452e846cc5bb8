import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { readLocalKey } from '../../emulator/local/data-folder.ts';
import { statusSchema } from '../../emulator/wire/status.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { takePicture, takePictures } from './pictures.ts';
import { noRunsIn, theHelperOf } from './run-helpers.ts';
import { type Scene, setScene } from './scene.ts';

const app = `import os
import time

import fal


class Painter(fal.App):
    machine_type = "XS"

    def setup(self):
        time.sleep(3)
        self.model = f"{os.getpid()} {time.time()}"

    @fal.endpoint("/")
    def answer(self) -> list[str]:
        return ["first", self.model]
`;

let scene: Scene;
let window: FalWindow;
let url = '';
/** What `setup()` made. */
let model = '';

beforeAll(async () => {
  scene = await setScene({ folder: 'empty' });
  await writeFile(join(scene.workspace, 'painter.py'), app);
  window = await scene.open();
  await window.showApps();
  await window.workbench.openFile('painter.py');
  await window.workbench.command('fal: Run App');
  await theHelperOf(scene);
  await lens(/● idle$/);
  const { ports } = await scene.emulator();
  const headers = { authorization: `Key ${readLocalKey(scene.dataDir)}` };
  const status = await fetch(`http://localhost:${ports.api}/minifal/status`, { headers });
  const [runner] = statusSchema.parse(await status.json()).runners;
  url = `http://localhost:${ports.run}/local/${runner?.alias}/`;
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `reload-failed-${task.name.slice(0, 30)}`);
});

const lens = (text: RegExp) =>
  window.workbench.page
    .locator('.editor-instance .codelens-decoration')
    .filter({ hasText: text })
    .first()
    .waitFor({ timeout: 90_000 });

/** As from a program elsewhere: `fal run` makes public apps. */
async function call(): Promise<readonly string[]> {
  const response = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  return response.json() as Promise<readonly string[]>;
}

/** Replaces a line of the open file by keys, and saves. */
async function edit(line: string, text: string): Promise<void> {
  const { page, command } = window.workbench;
  await page.locator('.editor-instance .view-line').filter({ hasText: line }).first().click();
  await page.keyboard.press('End');
  await page.keyboard.press('Shift+Home');
  await page.keyboard.insertText(text);
  await command('File: Save');
}

/** The rows of "Problems", each in one line. */
async function problems(): Promise<readonly string[]> {
  const rows = await window.workbench.page.locator('.markers-panel [role=treeitem]').allInnerTexts();
  return rows.map((row) => row.replaceAll('\u00a0', ' ').replaceAll(/\s+/g, ' ').trim());
}

it('reloads a save without running setup() again, and says so in the lens', async () => {
  const [answer, before = ''] = await call();
  expect(answer).toBe('first');
  model = before;
  await edit('return ["first"', 'return ["second", self.model]');
  await lens(/● reloaded in \d+ ms, model kept$/);
  expect(await call()).toEqual(['second', model]);
  await window.picture('reload-swapped');
  await lens(/● idle$/);
});

it('has an import that fails in the lens and at its line, while the old code answers, until it is fixed', async () => {
  await window.workbench.command('Problems: Focus on Problems View');
  await edit('import time', 'import time_that_is_not_there');
  await lens(/✕ not reloaded: line 2, No module named.*- the old code still answers$/);
  await until('it is in Problems', async () =>
    (await problems()).some((row) => /time_that_is_not_there.*Ln 2/.test(row)),
  );
  expect(await call()).toEqual(['second', model]);
  await takePictures(window.workbench, 'reload-kept');
  await edit('import time_that_is_not_there', 'import time');
  await until('it is gone', async () => !(await problems()).some((row) => /time_that_is_not_there/.test(row)));
  await lens(/● idle$/);
  expect(await call()).toEqual(['second', model]);
});

it('has an error of a save by another program at its line, also if the editor reads the file later', async () => {
  const path = join(scene.workspace, 'painter.py');
  const good = await readFile(path, 'utf8');
  await writeFile(path, good.replace('import time', 'import os\nimport json\nimport time_that_is_not_there'));
  await lens(/✕ not reloaded: line 4, No module named.*- the old code still answers$/);
  await window.workbench.page
    .locator('.editor-instance .view-line')
    .filter({ hasText: 'time_that_is_not_there' })
    .first()
    .waitFor();
  await until('it is in Problems at its line', async () =>
    (await problems()).some((row) => /time_that_is_not_there.*Ln 4/.test(row)),
  );
  await writeFile(path, good);
  await until('it is gone', async () => !(await problems()).some((row) => /time_that_is_not_there/.test(row)));
  await lens(/● idle$/);
});

it('restarts when setup() changed, and when the user asks for it', async () => {
  await edit('time.sleep(3)', 'time.sleep(2)');
  await lens(/● restarted: .*, \d+(\.\d)? m?s$/);
  const [, second] = await call();
  expect(second).not.toBe(model);
  await window.picture('reload-restarted');
  await window.workbench.command('fal: Restart App');
  await until('setup() has run again', async () => (await call())[1] !== second);
});

it('stops watching a file, and nothing is left after the run', async () => {
  await window.workbench.command('fal: Ignore Saves of File…');
  const input = window.workbench.page.locator('.quick-input-widget:visible input').first();
  await input.fill('painter.py');
  await input.press('Enter');
  const before = await call();
  await edit('return ["second"', 'return ["third", self.model]');
  await lens(/● idle/);
  expect(await call()).toEqual(before);
  await window.workbench.command('fal: Stop Run');
  await noRunsIn(scene);
});
