import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { inEachTheme, takePicture } from './pictures.ts';
import { type Scene, setScene } from './scene.ts';

const painter = `import base64
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
        time.sleep(2)

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

beforeAll(async () => {
  scene = await setScene({ folder: 'empty', settings: { 'editor.autoClosingQuotes': 'never' } });
  await mkdir(scene.workspace, { recursive: true });
  await writeFile(join(scene.workspace, 'painter.py'), painter);
  await writeFile(join(scene.workspace, 'cat.png'), 'x'.repeat(777));
  window = await scene.open();
});
afterAll(() => scene?.close());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await takePicture(window.workbench, `call-failed-${task.name.slice(0, 20)}`);
});

/** The texts of the editors on screen, with their lenses. */
function editors(): Promise<readonly { readonly lenses: string; readonly text: string }[]> {
  return window.workbench.page.evaluate(`
    [...document.querySelectorAll('.editor-instance')].map((editor) => {
      const sorted = (css) => [...editor.querySelectorAll(css)]
        .map((node) => ({ text: node.textContent.replaceAll('\\u00a0', ' '), top: node.getBoundingClientRect().top }))
        .sort((a, b) => a.top - b.top).map(({ text }) => text);
      return { lenses: sorted('.codelens-decoration').join('\\n'), text: sorted('.view-line').join('\\n') };
    })`);
}

/** Waits for an editor whose lenses and text match. */
async function shown(lenses: RegExp, text: RegExp): Promise<void> {
  const fits = async () => (await editors()).some((one) => lenses.test(one.lenses) && text.test(one.text));
  await until(`an editor shows ${lenses} and ${text}`, fits, { timeoutMs: 90_000 }).catch(async (error: Error) => {
    throw new Error(`${error.message}; they show ${JSON.stringify(await editors())}`);
  });
}

async function clickLens(title: string): Promise<void> {
  const exactly = new RegExp(`^${title}$`);
  await window.workbench.page.locator('.codelens-decoration a').filter({ hasText: exactly }).first().click();
}

/** Replaces the text of the request document. */
async function write(from: string, to: string): Promise<void> {
  const { page } = window.workbench;
  const line = page.locator('.editor-instance .view-line').filter({ hasText: from }).first();
  await line.click();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+End');
  await page.keyboard.insertText(to);
}

it('opens a request from the lens of an endpoint, after starting the app', async () => {
  await window.workbench.openFile('painter.py');
  const { page } = window.workbench;
  await page.locator('.editor-instance .view-line').first().click();
  await page.keyboard.press('Control+End');
  await shown(/Call \| POST \/stream/, /fal/);
  const lens = page.locator('.codelens-decoration').filter({ hasText: /^Call.\|.POST.\/$/ });
  await lens.locator('a').first().click();
  await shown(/^Send \| Send to Queue \| Copy as curl \| Python \| JS \| \/ of Painter \(local\)$/, /"steps": 4/);
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
  await shown(/^200 · .*#\d+ \| Log \| Replay \| Save Request$/, /"text": "A CAT ON A BIKE"/);
  await inEachTheme(window.workbench, ({ name }) => takePicture(window.workbench, `call-answer.${name}`));
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
