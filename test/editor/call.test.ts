import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { tryJson } from '../../emulator/local/try-json.ts';
import { until } from '../support/wait.ts';
import { objections } from './accessibility.ts';
import { callsOnScreen } from './calls-on-screen.ts';
import { type FalWindow, openFalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';
import { noRunsIn } from './run-helpers.ts';
import { type Scene, setScene } from './scene.ts';
import { stateIsStored } from './stored-state.ts';

/** `gate`: a port that answers when setup may end. */
const painter = (gate: number) => `import base64
import time
import urllib.request

import fal
from fal.toolkit import File
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Prompt(BaseModel):
    prompt: str = Field(description="What to say", examples=["a cat on a bike"])
    steps: int = Field(4, ge=1, le=50, description="1 to 50")


class Answer(BaseModel):
    text: str


class Picture(BaseModel):
    image_url: str = Field(examples=["cat.png"])


class Pictures(BaseModel):
    size: int
    image: File


class Painter(fal.App):
    machine_type = "XS"
    keep_alive = 600

    def setup(self):
        urllib.request.urlopen("http://127.0.0.1:${gate}").read()

    @fal.endpoint("/")
    def fast(self, input: Prompt) -> Answer:
        if input.prompt == "fail":
            raise KeyError("style")
        print("painting", input.prompt)
        return Answer(text=input.prompt.upper())

    @fal.endpoint("/picture")
    def picture(self, input: Picture) -> Pictures:
        size = len(urllib.request.urlopen(input.image_url).read())
        image = File.from_bytes(base64.b64decode(PNG), content_type="image/png", file_name="out.png")
        return Pictures(size=size, image=image)

    @fal.endpoint("/stream")
    def stream(self, input: Prompt) -> StreamingResponse:
        def events():
            for step in range(input.steps):
                yield f'data: {{"step": {step}}}\\n\\n'
                time.sleep(0.3)

        return StreamingResponse(events(), media_type="text/event-stream")
`;

let scene: Scene;
let window: FalWindow;
const setupMayEnd = Promise.withResolvers<void>();
const gate = createServer((_, response) => void setupMayEnd.promise.then(() => response.end()));
const { editors, shown, clickLens, write } = callsOnScreen(() => window);

beforeAll(async () => {
  const settings = { 'editor.autoClosingQuotes': 'never', 'editor.autoSurround': 'never' };
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  scene = await setScene({ folder: 'empty', settings });
  await mkdir(scene.workspace, { recursive: true });
  await writeFile(join(scene.workspace, 'painter.py'), painter((gate.address() as AddressInfo).port));
  await writeFile(join(scene.workspace, 'cat.png'), 'x'.repeat(777));
  window = await scene.open();
});
afterAll(async () => {
  gate.close();
  gate.closeAllConnections();
  await scene?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `call-failed-${task.name.slice(0, 20)}`);
});

it('opens a request from the lens of an endpoint at once, while the app starts', async () => {
  await window.workbench.openFile('painter.py');
  const { page } = window.workbench;
  await page.locator('.editor-instance .view-line').first().click();
  await page.keyboard.press('Control+End');
  await shown(/Call \| POST \/stream/, /fal/);
  const lens = page.locator('.codelens-decoration').filter({ hasText: /^Call.\|.POST.\/$/ });
  await lens.locator('a').first().click();
  await shown(/\| \/ of Painter \(local\), reading the app's schema…\n/, /^\{\n {2}"\$schema": "[^"]+"\n\}\n?$/);
  await takePicture(window.workbench, 'call-reading');
  // The endpoints of the code are offered until the app describes its own.
  await callEndpoint('/stream');
  await shown(/\| \/stream of Painter \(local\), reading the app's schema…\n/, /"\$schema"/);
  await write('"$schema"', '"$schema": "fal-call:/painter.py::Painter/stream", "prompt": "mine"');
  setupMayEnd.resolve();
  await shown(/\| \/stream of Painter \(local\)\n/, /"prompt": "mine"\n\}/);
  await window.workbench.command('View: Close Editor');
  const lenses = /^Send \| Send to Queue \| \/ of Painter \(local\)\nCopy as curl \| Python \| JS \| Save Request$/;
  await shown(lenses, /"steps": 4/);
  const request = (await editors()).find(({ lenses }) => lenses.startsWith('Send'));
  expect(request?.text).toBe(
    [
      '{',
      '  "$schema": "fal-call:/painter.py::Painter",',
      '  "prompt": "a cat on a bike",',
      '  "steps": 4',
      '}',
      '',
    ].join('\n'),
  );
});

it('sends it, and shows the answer next to it', async () => {
  await clickLens('Send');
  await shown(/^200 · .*#\d+ \| Log \| Replay \| Save Request/, /"text": "A CAT ON A BIKE"/);
  await inEachTheme(window.workbench, async ({ name }) => {
    await takePicture(window.workbench, `call-answer.${name}`);
    expect((await objections(window.workbench.page)).ours, name).toEqual([]);
  });
});

it('replays a call in the same document, as another request', async () => {
  const number = async () => {
    const lenses = (await editors()).map((one) => one.lenses).find((one) => one.includes('| Replay |'));
    return /#(\d+)/.exec(lenses ?? '')?.[1];
  };
  const first = await number();
  await clickLens('Replay');
  await until('it has another number', async () => {
    const second = await number();
    return second !== undefined && second !== first;
  });
  await shown(/^200 · .*#\d+ \| Log \| Replay \| Save Request/, /"text": "A CAT ON A BIKE"/);
  expect([await columns(), await tabs('answer')]).toEqual([2, 1]);
});

it("checks the request by the app's schema", async () => {
  await write('"steps"', '"steps": 400');
  const squiggle = window.workbench.page.locator('.editor-instance .squiggly-warning');
  await squiggle.first().waitFor();
  const word = window.workbench.page.locator('.editor-instance .view-line span').filter({ hasText: '"prompt"' });
  await word.first().hover();
  const hover = window.workbench.page.locator('.monaco-hover').filter({ hasText: 'What to say' });
  await hover.first().waitFor();
  await takePicture(window.workbench, 'call-hover');
  await window.workbench.page.keyboard.press('Escape');
  await write('"steps"', '"steps": 3');
  await squiggle.first().waitFor({ state: 'detached' });
});

it('goes to the line of a request that is not JSON', async () => {
  const { workbench } = window;
  await write('"steps"', '"steps": ,');
  await clickLens('Send');
  await workbench.pressInToast('The request is not valid JSON: see line 4.', 'Go to Line');
  await workbench.page.locator('.statusbar-item').filter({ hasText: 'Ln 4, Col 1' }).waitFor();
  await write('"steps"', '"steps": 3');
});

it('shows an error as it came, also through the queue', async () => {
  await write('"prompt"', '"prompt": "fail",');
  await clickLens('Send to Queue');
  await shown(/^500 · .* \| KeyError: 'style', painter.py:41$/, /Internal Server Error/);
  await takePicture(window.workbench, 'call-error');
});

it('saves the request into the workspace', async () => {
  await clickLens('Save Request');
  const path = join(scene.workspace, 'painter.fal.json');
  // The editor creates the file before it writes the text.
  const text = await until('the file is there', () => readFile(path, 'utf8').then(tryJson, () => undefined));
  expect(text).toEqual({ $schema: 'fal-call:/painter.py::Painter', prompt: 'fail', steps: 3 });
  // The file is in the place of the document that it was.
  await until('one tab has it', async () => (await tabs('painter.fal.json')) === 1);
  expect(await tabs('Painter · POST ∕ answer.fal.json')).toBe(1);
});

it('keeps a request that is edited without asking, as it was when its tab was closed', async () => {
  await callEndpoint('/');
  await shown(/\| \/ of Painter \(local\)\nCopy .* \| Save Request$/, /"prompt": "a cat on a bike"/);
  await write('"prompt"', '"prompt": "kept",');
  // The name of the saved one is free again a while after that was closed.
  const tab = window.workbench.page.locator('.tab.active').filter({ hasText: /painter(-2)?\.fal\.json/ });
  await until('nothing is left to save', async () => !(await tab.getAttribute('class'))?.includes('dirty'));
  // The saved one may have the same name.
  const before = await tabs('painter');
  await window.workbench.command('View: Close Editor');
  await until('its tab is closed', async () => (await tabs('painter')) === before - 1);
  expect(await window.workbench.page.locator('.monaco-dialog-box').count()).toBe(0);
  await window.workbench.command('View: Reopen Closed Editor');
  await shown(/\| \/ of Painter \(local\)\nCopy .* \| Save Request$/, /"prompt": "kept"/);
  await window.workbench.command('View: Close Editor');
});

/** Opens a request to this endpoint from the palette. */
async function callEndpoint(path: string): Promise<void> {
  await window.workbench.command('fal: Call App', `POST ${path}`);
}

it('uploads a file that the request names, and opens the image of the answer', async () => {
  await callEndpoint('/picture');
  await shown(/^Send .*\/picture of Painter \(local\)\n/, /"image_url": "cat\.png"/);
  await clickLens('Send');
  await shown(/^200 · .*\| Open Image$/, /"size": 777,\n/);
  await takePicture(window.workbench, 'call-media');
  await clickLens('Open Image');
  await window.workbench.page.locator('.tab.active').filter({ hasText: 'out.png' }).waitFor();
  expect(await columns()).toBe(2);
});

/** The columns of editors. */
const columns = () => window.workbench.page.locator('.editor-group-container').count();

const tabs = (name: string) => window.workbench.page.locator('.tab').filter({ hasText: name }).count();

it('appends the events of a stream as they arrive, and can be cancelled', async () => {
  await callEndpoint('/stream');
  await shown(/^Send .*\/stream of Painter \(local\)\n/, /"steps": 4/);
  await clickLens('Send');
  await shown(/^200 · /, /\{"step": 0\}\n\{"step": 1\}\n\{"step": 2\}\n\{"step": 3\}/);
  await write('"steps"', '"steps": 50');
  await clickLens('Send');
  await shown(/^streaming \| Cancel$/, /\{"step": 1\}/);
  await clickLens('Cancel');
  await shown(/^cancelled · /, /\{"step": 1\}/);
});

it('has its documents again after a reload, and shows the next answer in the same one', async () => {
  await stateIsStored(window, 'Painter · POST ∕stream answer', 'memento/workbench.parts.editor');
  await window.workbench.page.reload();
  window = await openFalWindow(window.workbench.page);
  await shown(/^Send .*\/stream of Painter \(local\)\n/, /"steps": 50/);
  await shown(/^cancelled · /, /\{"step": 1\}/);
  // Lines of JSON aren't a JSON document.
  expect(await window.workbench.page.locator('.squiggly-error').count()).toBe(0);
  await write('"steps"', '"steps": 2');
  await clickLens('Send');
  await shown(/^200 · /, /^\{"step": 0\}\n\{"step": 1\}\n?$/);
  expect([await columns(), await tabs('Painter · POST ∕stream answer')]).toEqual([2, 1]);
});

it('starts the app of a saved request first, and has its history, in another window', async () => {
  await window.workbench.command('fal: Stop Run');
  await noRunsIn(scene);
  await window.close();
  window = await scene.open();
  // The editors of the last window come back first.
  await shown(/^Send .* of Painter \(local\)\n/, /"\$schema"/);
  await window.workbench.openFile('painter.fal.json');
  await shown(/^Send \| .*\/ of Painter \(local\)\n/, /"prompt": "fail"/);
  await write('"prompt"', '"prompt": "again",');
  await clickLens('Send');
  await shown(/^200 · .*#\d+ /, /"text": "AGAIN"/);
  await takePicture(window.workbench, 'call-saved');
  await window.workbench.command('fal: Call History');
  const rows = window.workbench.page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row');
  await rows.filter({ hasText: 'POST /picture of Painter' }).first().waitFor();
  await takePicture(window.workbench, 'call-history');
  await window.workbench.pick('POST /picture of Painter');
  await shown(/^200 · /, /"size": 777/);
});

it('leaves a call alone that still runs when its request is sent again', async () => {
  await callEndpoint('/stream');
  await shown(/^Send .*\/stream of Painter \(local\)\n/, /"steps": 4/);
  await write('"steps"', '"steps": 50');
  await clickLens('Send');
  await shown(/^streaming \| Cancel$/, /"step": 1\}/);
  const before = await tabs('stream answer');
  await clickLens('Send to Queue');
  await until('it has an answer of its own', async () => (await tabs('stream answer')) === before + 1);
  await window.workbench.page.locator('.tab').filter({ hasText: 'stream answer' }).nth(-2).click();
  await shown(/^200 · /, /"step": 9\}/);
});

it('asks before it uploads a file that is outside of the workspace', async () => {
  await callEndpoint('/picture');
  await shown(/^Send .*\/picture of Painter \(local\)\n/, /"image_url": "cat\.png"/);
  await write('"image_url"', '"image_url": "file:/etc/hostname"');
  await clickLens('Send');
  const dialog = window.workbench.page.locator('.monaco-dialog-box');
  await dialog.filter({ hasText: 'Upload /etc/hostname, which is outside of this workspace?' }).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await shown(/^cancelled · /, /^/);
});
