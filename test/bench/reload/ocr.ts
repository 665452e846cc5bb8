import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Emulator } from '../../support/emulator.ts';
import { root } from '../../support/root.ts';
import { until } from '../../support/wait.ts';
import { end, watched } from './tools.ts';

const template = join(root, 'templates/ocr');
/** Its answer, in which no model takes part. The edits change it. */
const refusal = 'This is not a picture.';
const textSchema = z.object({ text: z.string() });

export interface OcrRun {
  /**
   * From a save to the first answer of the new code, milliseconds.
   * @param deadline no save begins later, in the clock of `performance`
   */
  times(edits: number, deadline: number): Promise<{ readonly times: readonly number[]; readonly setups: number }>;
  stop(): Promise<void>;
}

/** Runs the app of the demo with its real model; its environment is built first. */
export async function startOcr(emulator: Emulator, ...options: readonly string[]): Promise<OcrRun> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-bench-'));
  await cp(template, folder, { recursive: true });
  const source = await readFile(join(folder, 'app.py'), 'utf8');
  if (!source.includes(refusal)) throw new Error(`templates/ocr has no "${refusal}"`);
  const picture: unknown = JSON.parse(await readFile(join(folder, 'request.json'), 'utf8'));
  const expected = textSchema.parse(JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8'))).text;
  const { server, url } = await watched(emulator, folder, 'app.py::OCR', ...options);
  const setups = () => server.output().split('Models loaded').length - 1;
  const call = async (input: unknown): Promise<string> => {
    const init = { method: 'POST', body: JSON.stringify(input), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${url}/`, { ...init, signal: AbortSignal.timeout(60_000) });
    return response.text();
  };
  const mustRead = async (): Promise<void> => {
    const read = textSchema.parse(JSON.parse(await call(picture))).text;
    if (read !== expected) throw new Error(`the model read ${read}`);
  };
  return {
    async times(edits, deadline) {
      await mustRead();
      const before = setups();
      const times: number[] = [];
      for (let edit = 1; edit <= edits && performance.now() < deadline; edit++) {
        await delay(1_100);
        const text = `This is not a picture (${edit}).`;
        const began = performance.now();
        await writeFile(join(folder, 'app.py'), source.replace(refusal, text));
        const isNew = () => call({ image_url: 'data:text/plain,x' }).then((answer) => answer.includes(text));
        await until('the new code answers', isNew, { timeoutMs: 60_000, everyMs: 5 });
        times.push(performance.now() - began);
        await mustRead();
      }
      return { times, setups: setups() - before };
    },
    async stop() {
      await end(server);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
