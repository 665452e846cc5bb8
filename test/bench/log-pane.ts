// The log pane over a long log: its page in a real browser, its host's feed, and the emulator's routes. In the editor,
// a message between host and page takes about a millisecond more.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { chromium, type Page } from 'playwright-core';
import { ownLogs } from '../../emulator/edge/rest/logs/own-logs.ts';
import { createLogs } from '../../emulator/telemetry/logs.ts';
import { createFeed } from '../../extension/logs/feed.ts';
import { pageHtml } from '../../extension/logs/html.ts';
import { createLeft } from '../../extension/logs/left.ts';
import { pageTexts } from '../../extension/logs/page-texts.ts';
import { createLogClient } from '../../extension/target/log-client.ts';
import { type Filter, type HostMessage, noFilter, type PageMessage } from '../../webview/host.ts';
import { chromiumFlags, installBrowser } from '../lab/install.ts';
import { root } from '../support/root.ts';
import { fill } from './logs.ts';
import { show } from './stats.ts';

const dist = join(root, 'dist', 'webview');
const filters: readonly (readonly [name: string, filter: Partial<Filter>])[] = [
  ['the newest rows', {}],
  ['a text that matches often', { text: 'latency' }],
  ['a rare text', { text: 'needle' }],
  ['a rare regular expression', { text: '/needle \\d+x/' }],
  ['a rare regular expression with one letter', { text: '/\\d{4}x/' }],
  ['a rare regular expression without a literal', { text: '/\\d{4}[xyz]/' }],
  ['a request', { requestId: 'request-777' }],
];

/** @param lines of the log, to begin with; `seconds`: how long `perSecond` lines are added */
export async function benchLogPane(options: {
  readonly lines: number;
  readonly rounds: number;
  readonly perSecond: number;
  readonly seconds: number;
}): Promise<void> {
  const { lines, rounds, perSecond, seconds } = options;
  sizes();
  const folder = mkdtempSync(join(tmpdir(), 'minifal-bench-log-pane-'));
  const file = join(folder, 'logs.db');
  fill(file, lines);
  const logs = createLogs({ file, maxBytes: 2 ** 40 });
  const app = express();
  app.use(ownLogs({ logs, places: { want: () => () => undefined }, report: console.error }));
  const emulator = await listen(createServer(app));
  const pages = await listen(createServer(servePage));
  const browser = await chromium.launch({ executablePath: await installBrowser(), args: chromiumFlags });
  const page = await browser.newPage({ viewport: { width: 1000, height: 300 } });
  const send = (message: HostMessage) => page.evaluate(`postMessage(${JSON.stringify(message)})`);
  const feed = createFeed({
    connect: () => createLogClient({ address: emulator.address, key: '' }),
    send(message) {
      const numbers = { runners: {}, requests: {} };
      void send(message.type === 'rows' ? { ...message, numbers } : message).catch(() => undefined);
    },
    refused: (why) => why !== null && console.log(why),
    failed: console.error,
  });
  await page.exposeFunction('toHost', (message: PageMessage) => {
    if (message.type === 'ready')
      void send({
        type: 'start',
        texts: pageTexts(),
        ...createLeft({ get: () => undefined, set: () => undefined }).next(),
      });
    else if (message.type === 'query') void feed.query(message.query, message.filter, message.at);
    else if (message.type === 'more') void feed.more(message.query, message.where, message.from);
  });
  await page.addInitScript(`window.acquireVsCodeApi = () => ({ postMessage: (message) => window.toHost(message) });`);
  await page.goto(pages.address);
  await page.locator('.row').first().waitFor();

  console.log(`${lines} lines; from the change of a filter to its first rows on the screen, in ms (goal 300):`);
  for (const [name, change] of filters) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) times.push(await timeOf(page, { ...noFilter, ...change }));
    console.log(`  ${name}: ${show(times, 0)}`);
  }

  await timeOf(page, noFilter);
  await page.evaluate(watchRows);
  let added = 0;
  const began = Date.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.floor(((Date.now() - began) / 1_000) * perSecond);
      for (; added < due; added++) logs.append(line(`sent ${Date.now()} ${added}`));
      if (added < perSecond * seconds) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
  await page.locator('.row', { hasText: ` ${added - 1}` }).waitFor();
  const { delays, frames, held, heapMb } = await page.evaluate<Seen>('window.seen()');
  console.log(`${perSecond} lines a second for ${seconds} s: ${added} added, ${held} held by the page (limit 2,000)`);
  console.log(`  from the line to the screen, in ms (goal 200 worst): ${show(delays, 0)}, of ${delays.length} drawn`);
  console.log(`  longest time between two frames: ${Math.max(...frames).toFixed(0)} ms; heap ${heapMb.toFixed(1)} MB`);
  feed.stop();
  await browser.close();
  emulator.close();
  pages.close();
  logs.close();
  rmSync(folder, { recursive: true });
}

interface Seen {
  readonly delays: readonly number[];
  readonly frames: readonly number[];
  readonly held: number;
  readonly heapMb: number;
}

/** In the page: the delay of each line when it is first drawn, and the time between frames. */
const watchRows = `(() => {
  const drawn = new Set();
  const delays = [];
  const frames = [];
  let last = performance.now();
  const frame = (now) => { frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) {
      const [, at, number] = /sent (\\d+) (\\d+)/.exec(node.textContent) ?? [];
      if (number === undefined || drawn.has(number)) continue;
      drawn.add(number);
      delays.push(Date.now() - Number(at));
    }
  }).observe(document.querySelector('.space'), { childList: true });
  window.seen = () => ({
    delays, frames, held: Number(document.querySelector('.list').getAttribute('aria-rowcount')),
    heapMb: performance.memory.usedJSHeapSize / 1e6,
  });
})()`;

/** The time from a filter to the first rows on the screen; the page is empty in between. */
function timeOf(page: Page, filter: Filter): Promise<number> {
  const message: HostMessage = { type: 'filter', filter, at: null };
  return page.evaluate<number>(`new Promise((resolve) => {
    const began = performance.now();
    let wasEmpty = false;
    const look = () => {
      const isEmpty = document.querySelector('.row') === null;
      wasEmpty ||= isEmpty;
      if (wasEmpty && !isEmpty) resolve(performance.now() - began);
      else setTimeout(look, 1);
    };
    postMessage(${JSON.stringify(message)});
    look();
  })`);
}

function line(message: string) {
  const source = { level: 'STDOUT', source: 'USER', stream: 'stdout', alias: 'app-1', revision: 'rev-1' } as const;
  return { ...source, at: Date.now(), message, runnerId: 'runner-1', requestId: 'request-1', endpoint: '/' };
}

function sizes(): void {
  for (const [name, file] of [
    ['host', join(dist, '..', 'extension-logs.cjs')],
    ...readdirSync(dist)
      .filter((one) => !one.endsWith('.map'))
      .map((one) => ['page', join(dist, one)] as const),
  ] as const)
    console.log(`${(statSync(file).size / 1_000).toFixed(1).padStart(7)} kB  ${name}  ${file.split('/').at(-1)}`);
}

const servePage: Parameters<typeof createServer>[1] = ({ url = '/' }, response) => {
  if (url === '/') {
    const parts = { title: 'Log', scripts: ['/logs.js', '/ui.js'], style: '/logs-style.css', cspSource: "'self'" };
    response.setHeader('content-type', 'text/html').end(pageHtml({ ...parts, nonce: 'bench', language: 'en' }));
    return;
  }
  const file = join(dist, url.replaceAll('/', ''));
  if (!existsSync(file)) return response.writeHead(404).end();
  response.setHeader('content-type', url.endsWith('.css') ? 'text/css' : 'text/javascript').end(readFileSync(file));
};

async function listen(server: Server): Promise<{ readonly address: string; close(): void }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    address: `http://127.0.0.1:${address.port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
