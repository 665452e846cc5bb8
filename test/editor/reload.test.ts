import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { takePicture, takePictures } from './pictures.ts';
import { callRun, lensOf, noRunsIn, openPainter, runPainter, urlOfRun } from './run-helpers.ts';
import type { Scene } from './scene.ts';
import { takeTooltips } from './tooltips.ts';

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
  ({ scene, window } = await openPainter(app));
  await runPainter(scene, window);
  url = await urlOfRun(scene);
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `reload-failed-${task.name.slice(0, 30)}`);
});

const lens = (text: RegExp) => lensOf(window, text);
const call = async () => (await callRun(scene, url)) as readonly string[];

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
  await lens(/● idle, kept warm$/);
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
  await lens(/● idle, kept warm$/);
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
  await lens(/● idle, kept warm$/);
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

it('says in the tooltip of the run why the change equals a restart', async () => {
  await edit('return ["second"', 'return ["third", self.model]');
  await lens(/● reloaded in/);
  const text = await takeTooltips(window, 'reload-tooltip', /^Painter \(run\)/, /Reloaded at/);
  expect(text).toMatch(/Saved: .*painter\.py/);
  expect(text).toMatch(/Changed: .*Painter\.answer/);
  expect(text).toMatch(/Reached by setup\(\), unchanged: .*Painter\.setup/);
  expect(text).toMatch(/Compared: \d+ functions, classes and values; setup\(\) reaches \d+/);
});

it('switches the scaling of a run, which its row and its lens say', async () => {
  await window.row(/^Painter \(run\) idle · kept warm$/);
  await window.workbench.command('fal: Switch Scaling of Run');
  await window.row(/^Painter \(run\) (idle|no runner) · faithful$/);
  await lens(/● idle, faithful scaling$|○ no runner, faithful scaling$/);
  await takePictures(window.workbench, 'scaling-faithful');
  // The default of keep_alive is over soon: nothing runs, and the next call starts a runner.
  await window.row(/^Painter \(run\) no runner · faithful$/);
  await lens(/○ no runner, faithful scaling$/);
  expect((await call())[0]).toBe('third');
  await window.workbench.command('fal: Switch Scaling of Run');
  await window.row(/^Painter \(run\) idle · kept warm$/);
  await lens(/● idle, kept warm$/);
  await takePictures(window.workbench, 'scaling-pinned');
});

it('shows the fresh runner of an audit in the row of its run while it answers, and then what it found', async () => {
  const { workbench } = window;
  await scene.vscode.changeSettings({ ...scene.options.settings, 'minifal.hotReloadAudit': true });
  await workbench.command('fal: Run App');
  url = await urlOfRun(scene, url);
  await lens(/● idle, kept warm$/);
  await edit('return ["third"', 'return ["fourth", self.model]');
  await lens(/● reloaded in/);
  expect((await call())[0]).toBe('fourth');
  const seen = await window.rowIsSeen(/^audit (waiting|setup)/);
  expect(seen.filter((row) => /^Elsewhere/.test(row))).toEqual([]);
  await window.picture('audit-runner');
  // The model is another one in each runner.
  const text = await takeTooltips(window, 'audit-report', /^Painter \(run\) idle/, /Audit:/);
  expect(text).toMatch(/Audit: a fresh runner's answer to POST \/ has other values in \$\[1\]\./);
  const rows = await window.rows();
  expect(rows.filter((row) => /^(audit|Elsewhere) /.test(row))).toEqual([]);
  expect(rows.filter((row) => /^runner \d+ (?!ended)/.test(row))).toHaveLength(1);
});

it('stops watching a file, and nothing is left after the run', async () => {
  await window.workbench.command('fal: Ignore Saves of File…');
  const input = window.workbench.page.locator('.quick-input-widget:visible input').first();
  await input.fill('painter.py');
  await input.press('Enter');
  const before = await call();
  await edit('return ["fourth"', 'return ["fifth", self.model]');
  await lens(/● idle/);
  expect(await call()).toEqual(before);
  await window.workbench.command('fal: Stop Run');
  await noRunsIn(scene);
});
