import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Frame } from 'playwright-core';
import { chromiumFlags, installBrowser } from '../lab/install.ts';

/**
 * What a page tries at each target. \`attack\` gives back what got through: an answer that it may read, an open socket
 * or stream, a script or image that loaded. What nobody may read (\`no-cors\`, forms, beacons) shows in the apps'
 * counts.
 */
const program = `
const late = (ms) => AbortSignal.timeout(ms);
const read = async (url, options) => {
  const response = await fetch(url, { signal: late(8000), ...options });
  return response.type !== 'opaque' && response.status + ' ' + (await response.text()).slice(0, 80);
};
const json = { 'content-type': 'application/json' };
const opens = (Kind, url) => new Promise((resolve) => {
  const opened = new Kind(url);
  const end = (is) => { opened.close(); resolve(is); };
  opened.onopen = () => end('open');
  opened.onmessage = () => end('message');
  opened.onerror = () => end(false);
  setTimeout(() => end(false), 8000);
});
const loads = (tag, attribute, url) => new Promise((resolve) => {
  const element = document.createElement(tag);
  const end = (is) => { element.remove(); resolve(is); };
  element.onload = () => end(tag + ' loaded');
  element.onerror = () => end(false);
  setTimeout(() => end(false), 8000);
  if (tag === 'link') element.rel = 'stylesheet';
  element[attribute] = url;
  document.head.append(element);
});
const form = (url) => {
  const frame = Object.assign(document.createElement('iframe'), { name: 'f' + Math.random() });
  const sent = Object.assign(document.createElement('form'), { action: url, method: 'post', target: frame.name });
  document.body.append(frame, sent);
  sent.submit();
  return new Promise((resolve) => setTimeout(() => { frame.remove(); sent.remove(); resolve(false); }, 500));
};
const kinds = {
  get: (url) => read(url, {}),
  json: (url) => read(url, { method: 'POST', headers: json, body: '{}' }),
  text: (url) => read(url, { method: 'POST', body: '{}' }),
  guess: (url) => read(url, { method: 'POST', headers: { ...json, 'x-minifal-runner': '0'.repeat(64) }, body: '{}' }),
  cookies: (url) => read(url, { credentials: 'include' }),
  put: (url) => read(url, { method: 'PUT', body: '{}' }),
  remove: (url) => read(url, { method: 'DELETE' }),
  proxy: (url) => read(url, { headers: { 'x-fal-target-url': 'https://fal.run/local/leaky' } }),
  blind: (url) => read(url, { method: 'POST', mode: 'no-cors', body: '{}' }),
  beacon: (url) => navigator.sendBeacon(url, '{}') && false,
  form,
  socket: (url) => opens(WebSocket, url.replace('http', 'ws')),
  stream: (url) => opens(EventSource, url),
  script: (url) => loads('script', 'src', url),
  image: (url) => loads('img', 'src', url),
  style: (url) => loads('link', 'href', url),
  module: (url) => import(url).then(() => 'imported'),
  frame: async (url) => {
    const frame = document.createElement('iframe');
    const loaded = new Promise((resolve) => { frame.onload = resolve; setTimeout(resolve, 3000); });
    frame.src = url;
    document.body.append(frame);
    await loaded;
    let text = '';
    try { text = frame.contentDocument?.body?.innerText ?? ''; } catch {}
    frame.remove();
    return text.includes('minifal') && text.slice(0, 80);
  },
};
window.attack = async (targets) => {
  const through = [];
  const left = [...targets];
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const found = await Promise.resolve(kinds[next[0]](next[1])).catch(() => false);
      if (found) through.push([...next, found]);
    }
  };
  await Promise.all(Array.from({ length: 64 }, work));
  return through;
};
`;

/** Each target with the path that it requests. */
export const attempts: readonly (readonly [kind: string, path: string])[] = [
  ['get', '/'],
  ['get', '/openapi.json'],
  ['get', '/health'],
  ['get', '/metrics'],
  ['get', '/docs'],
  ['get', '/files/list'],
  ['get', '/users/current'],
  ['cookies', '/local/leaky'],
  ['get', '/dashboard/logs'],
  ['get', '/minifal/logs/follow'],
  ['json', '/minifal/pages/session'],
  ['blind', '/minifal/pages/session'],
  ['json', '/minifal/pages/code'],
  ['beacon', '/minifal/pages/code'],
  ['frame', '/dashboard/logs'],
  ['style', '/dashboard/assets/browser-style.css'],
  ['script', '/dashboard/assets/browser.js'],
  ['module', '/dashboard/assets/logs.js'],
  ['json', '/'],
  ['json', '/local/leaky'],
  ['text', '/'],
  ['text', '/local/leaky'],
  ['guess', '/'],
  ['put', '/storage/uploads/x'],
  ['remove', '/applications/local/leaky/queue'],
  ['proxy', '/api/fal/proxy'],
  ['blind', '/'],
  ['blind', '/local/leaky'],
  ['beacon', '/'],
  ['form', '/'],
  ['socket', '/local/leaky/realtime'],
  ['stream', '/minifal/events'],
  ['script', '/openapi.json'],
  ['image', '/'],
];

const sandboxed = '<iframe sandbox="allow-scripts allow-forms" srcdoc="<body><script>CODE</script>"></iframe>';
const inQuotes = program.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
const page = `<!doctype html><body><script>${program}</script>${sandboxed.replace('CODE', () => inQuotes)}`;

/** One page per origin in a real browser, and one in a sandboxed frame, whose origin is `null`. */
export interface HostilePages {
  readonly origins: readonly string[];
  /** The successful attempts of the page of that origin. */
  attack(origin: string, targets: readonly (readonly [kind: string, url: string])[]): Promise<readonly Through[]>;
  close(): Promise<void>;
}

type Through = readonly [kind: string, url: string, found: string];

/** A foreign origin, the `null` origin, and two on this machine, one of which is same-site with the emulator. */
export async function openHostilePages(): Promise<HostilePages> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page);
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const executablePath = await installBrowser();
  // Newer browsers ask the user before a page calls this machine; here the emulator must refuse without that prompt.
  const open = '--disable-features=LocalNetworkAccessChecks';
  const browser: Browser = await chromium.launch({ executablePath, args: [...chromiumFlags, open] });
  const opened = async (url: string): Promise<Frame> => {
    const tab = await browser.newPage();
    await tab.route('http://evil.example/**', (route) => route.fulfill({ contentType: 'text/html', body: page }));
    await tab.goto(url);
    return tab.mainFrame();
  };
  const evil = await opened('http://evil.example/');
  const local = [await opened(`http://localhost:${port}/`), await opened(`http://other.localhost:${port}/`)];
  const frames = new Map<string, Frame>();
  for (const frame of [evil, ...evil.childFrames(), ...local]) frames.set(await frame.evaluate('window.origin'), frame);
  return {
    origins: [...frames.keys()],
    async attack(origin, targets) {
      const found = await frames.get(origin)?.evaluate(`window.attack(${JSON.stringify(targets)})`);
      return found as readonly Through[];
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

const names = [
  ...[
    'evil.example',
    'localhost.evil.example',
    'localhost.',
    'LOCALHOST',
    'Localhost',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
  ],
  ...['0x7f.1', '0x7f000001', '0177.0.0.1', '2130706433', '017700000001', '127.000.000.001', '0', '0.0.0.0', '[::]'],
  ...[
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '::1',
    '[::1',
    '[::1%25lo]',
    '127.0.0.2',
    'ip6-localhost',
  ],
  ...[
    'user@localhost',
    'localhost@evil.example',
    'localhost%00',
    'localhost%2e',
    'localhost,evil.example',
    'evil.localhost',
  ],
  ...['api.localhost', 'run.localhost', 'fal.run', 'queue.fal.run', 'rest.fal.ai', 'localtest.me', '127.0.0.1.nip.io'],
  ...[
    'xn--localhost',
    'locaｌhost',
    'localhost\\evil.example',
    'localhost;evil.example',
    'http://localhost',
    '*',
    '-',
    '_',
  ],
];
const endings = ['', ':PORT', ':0PORT', ':+PORT', ':', ':80', ':PORT:PORT', ':PORT.'];
/** Of a Host header, none of them ours: right names with a wrong port, and wrong names with any. PORT: the real one. */
export const hostSpellings = [
  ...names.flatMap((name) => endings.map((ending) => `${name}${ending}`)),
  ...['localhost', '127.0.0.1', '[::1]'].flatMap((name) =>
    endings.filter((ending) => ending !== ':PORT').map((ending) => `${name}${ending}`),
  ),
];
