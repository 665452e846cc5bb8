import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumFlags, installLab } from '../lab/install.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { owner } from '../support/http.ts';
import { jsApp } from '../support/js-app.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';

/** What a web page does with the real client; gives back what it got. Runs in the browser, so that it may use nothing from here. */
const program = `
import { createFalClient } from '@fal-ai/client';
window.perform = async ({ url, credentials, endpoint }) => {
  const fal = createFalClient({ proxyUrl: url, credentials, suppressLocalCredentialsWarning: true });
  const run = await fal.run(endpoint, { input: { number: 1 } });
  const words = [];
  const subscribed = await fal.subscribe(endpoint, {
    input: { number: 2 },
    mode: 'streaming',
    onQueueUpdate: ({ status }) => words.push(status),
  });
  const events = [];
  for await (const event of await fal.stream(endpoint, { input: { number: 3 } })) events.push(event.number);
  const file = await fal.storage.upload(new Blob(['hello'], { type: 'text/plain' }));
  const wrong = await fal.run(endpoint, { input: { number: 'x' } }).catch((error) => error.name);
  return {
    run: run.data,
    hasRequestId: run.requestId !== '',
    subscribed: subscribed.data,
    last: words.at(-1),
    events,
    file: await (await fetch(file)).text(),
    wrong,
  };
};
`;

let pages: Server;
let port: number;
let emulator: Emulator;
let project: Project;
let browser: Browser;

beforeAll(async () => {
  const bundle = await build({
    stdin: { contents: program, resolveDir: join(root, 'test') },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
  });
  const script = bundle.outputFiles[0]?.text ?? '';
  pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>page</title><script>${script.replaceAll('</script', '<\\/script')}</script>`);
  });
  pages.listen(0, 'localhost');
  await once(pages, 'listening');
  const address = pages.address();
  port = typeof address === 'object' && address ? address.port : 0;
  emulator = await startEmulator({ args: ['--allow-origin', `http://localhost:${port}`] });
  project = await createProject(await pythonTools(), emulator, { 'js.py': jsApp });
  await project.mustFal('deploy', 'js.py::Js', '--app-name', 'js');
  const { chromium: executablePath } = await installLab();
  browser = await chromium.launch({ executablePath, args: chromiumFlags });
});
afterAll(async () => {
  await browser?.close();
  await project?.remove();
  await emulator?.stop();
  pages?.close();
});

/** Calls the page's program as the page at this host name does. */
async function perform(page: Page): Promise<unknown> {
  const about = {
    url: `http://localhost:${emulator.ports.api}/api/fal/proxy`,
    credentials: emulator.variables.FAL_KEY ?? '',
    endpoint: `${await owner(emulator)}/js`,
  };
  return await page.evaluate(`window.perform(${JSON.stringify(about)})`);
}

describe('@fal-ai/client in a real browser page', () => {
  it('of a listed origin runs, subscribes, streams, uploads, and reads the errors', async () => {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${port}/`);
    expect(await perform(page)).toEqual({
      run: { number: 1 },
      hasRequestId: true,
      subscribed: { number: 2 },
      last: 'COMPLETED',
      events: [0, 1, 2],
      file: 'hello',
      wrong: 'ValidationError',
    });
  });

  it('of any other origin gets nothing, though it knows the key', async () => {
    const page = await browser.newPage();
    // The same page by another name is another origin.
    await page.route('http://other.localhost/**', async (route) => {
      await route.fulfill({ response: await page.request.get(`http://localhost:${port}/`) });
    });
    await page.goto('http://other.localhost/');
    await expect(perform(page)).rejects.toThrow(/Failed to fetch/);
  });
});
