import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumFlags, installBrowser } from '../lab/install.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { jsApp } from '../support/js-app.ts';
import { isBrowserMissing } from '../support/needs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { readmeCode } from '../support/readme.ts';
import { root } from '../support/root.ts';

const noBrowser = isBrowserMissing();

/**
 * The calls of a web page with the real client; returns the results. Runs in the browser, so it can't use anything from
 * this file.
 */
const program = (recipe: string) => `
import { fal } from '@fal-ai/client';
${recipe}
const talk = (endpoint) =>
  new Promise((resolve, reject) => {
    const connection = fal.realtime.connect(endpoint, {
      onResult: (result) => {
        resolve(result);
        connection.close();
      },
      onError: reject,
    });
    connection.send({ number: 4 });
  });
window.perform = async ({ endpoint }) => {
  const run = await fal.run(endpoint, { input: { number: 1 } });
  const words = [];
  const subscribed = await fal.subscribe(endpoint, {
    input: { number: 2 },
    mode: 'streaming',
    onQueueUpdate: ({ status }) => words.push(status),
  });
  const polled = await fal.subscribe(endpoint, { input: { number: 5, seconds: 0.2 }, pollInterval: 50, logs: true });
  const { request_id: requestId } = await fal.queue.submit(endpoint, { input: { number: 6 } });
  const status = await fal.queue.subscribeToStatus(endpoint, { requestId, pollInterval: 50 });
  const result = await fal.queue.result(endpoint, { requestId });
  const cancel = await fal.queue.cancel(endpoint, { requestId }).catch((error) => error.status);
  const events = [];
  for await (const event of await fal.stream(endpoint, { input: { number: 3 } })) events.push(event.number);
  const direct = [];
  const stream = await fal.stream(endpoint, { input: { number: 2 }, connectionMode: 'client' });
  for await (const event of stream) direct.push(event.number);
  const realtime = await talk(endpoint);
  const file = await fal.storage.upload(new Blob(['hello'], { type: 'text/plain' }));
  const wrong = await fal.run(endpoint, { input: { number: 'x' } }).catch((error) => error.name);
  return {
    run: run.data,
    hasRequestId: run.requestId !== '',
    subscribed: subscribed.data,
    last: words.at(-1),
    polled: polled.data,
    queue: [status.status, result.data, result.requestId === requestId, cancel],
    events,
    direct,
    realtime: realtime.number,
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
  let script = '';
  pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>page</title><script>${script.replaceAll('</script', '<\\/script')}</script>`);
  });
  pages.listen(0, 'localhost');
  await once(pages, 'listening');
  const address = pages.address();
  port = typeof address === 'object' && address ? address.port : 0;
  emulator = await startEmulator({ args: ['--allow-origin', `http://localhost:${port}`] });
  const bundle = await build({
    stdin: {
      contents: program(readmeCode('class extends WebSocket', emulator)),
      resolveDir: join(root, 'test'),
    },
    // Like bundlers, which put build variables into a page.
    define: { 'process.env.FAL_KEY': JSON.stringify(emulator.variables.FAL_KEY) },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
  });
  script = bundle.outputFiles[0]?.text ?? '';
  project = await createProject(await pythonTools(), emulator, { 'js.py': jsApp });
  await project.mustFal('deploy', 'js.py::Js', '--app-name', 'js');
  const executablePath = await installBrowser();
  browser = await chromium.launch({ executablePath, args: chromiumFlags });
});
afterAll(async () => {
  await browser?.close();
  await project?.remove();
  await emulator?.stop();
  pages?.close();
});

/** Calls a function of the page's program. */
async function perform(page: Page): Promise<unknown> {
  return await page.evaluate(`window.perform(${JSON.stringify({ endpoint: `${await owner(emulator)}/js` })})`);
}

describe.skipIf(noBrowser)('@fal-ai/client in a real browser page', () => {
  it('of a listed origin: runs, subscribes, queues, streams, uploads, real time, errors', async () => {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${port}/`);
    expect(await perform(page)).toEqual({
      run: { number: 1 },
      hasRequestId: true,
      subscribed: { number: 2 },
      last: 'COMPLETED',
      polled: { number: 5 },
      queue: ['COMPLETED', { number: 6 }, true, 400],
      events: [0, 1, 2],
      direct: [0, 1],
      realtime: 4,
      file: 'hello',
      wrong: 'ValidationError',
    });
  });

  it('of any other origin gets nothing, although it knows the key', async () => {
    const page = await browser.newPage();
    // The same page under another host name has another origin.
    await page.route('http://other.localhost/**', async (route) => {
      await route.fulfill({ response: await page.request.get(`http://localhost:${port}/`) });
    });
    await page.goto('http://other.localhost/');
    await expect(perform(page)).rejects.toThrow(/Failed to fetch/);
    // Not even with a valid token, because browsers also send the origin of a socket.
    const token = await call(emulator, 'api', '/tokens/', { body: { allowed_apps: ['js'], token_expiration: 60 } });
    const query = `fal_jwt_token=${encodeURIComponent(String(await token.json()))}`;
    const address = `ws://localhost:${emulator.ports.run}/${await owner(emulator)}/js/realtime?${query}`;
    const opened = (from: Page) =>
      from.evaluate(`new Promise((resolve) => {
        const socket = new WebSocket(${JSON.stringify(address)});
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
      })`);
    expect(await opened(page)).toBe('refused');
    const listed = await browser.newPage();
    await listed.goto(`http://localhost:${port}/`);
    expect(await opened(listed)).toBe('open');
  });
});
