import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { processStart } from '../../../emulator/local/data-folder.ts';

/**
 * Serves `/minifal/events` like the emulator, in a process that can be killed. `GET /again` makes it send its state
 * again, `/change` makes it send a change that adds an app, `/drop` makes it drop its connections, and `/asked` has the
 * addresses of the streams so far.
 */
const program = `
const { createServer } = require('node:http');
let sent = 0;
let seq = 1;
const open = new Set();
const asked = [];
const head = () => ({
  version: '1', pid: process.pid, startedAt: process.env.ODD ? 'odd' : sent++, timeScale: 1, owner: 'local',
  secrets: 'open', isolation: { mode: 'off', missing: [] }, trouble: process.env.TROUBLE ?? null, troubleWhy: null,
  requests: { waiting: 0, running: 0, finished: 0 }, endedRunners: 0,
});
const counts = { queued: 0, running: 0, starting: 0, ready: 0, busy: 0, others: 0 };
const added = {
  alias: 'new', kind: 'deployed', revision: 'r', authMode: 'private', url: 'https://x', counts, reason: null,
  ended: { count: 0, last: null },
  lastFailure: null, endpoints: [],
};
const event = (type, data) => 'event: ' + type + '\\nid: e.' + seq++ + '\\ndata: ' + JSON.stringify(data) + '\\n\\n';
const toAll = (text, response) => {
  for (const one of open) one.write(text);
  response.end();
};
const server = createServer((request, response) => {
  if (request.headers.authorization !== 'Key id:secret') return void response.writeHead(401).end();
  if (request.url === '/again') return toAll(event('state', { head: head() }), response);
  if (request.url === '/change') return toAll(event('change', { apps: [added] }), response);
  if (request.url === '/asked') return void response.end(JSON.stringify(asked));
  if (request.url === '/drop') {
    for (const one of open) one.destroy();
    open.clear();
    return void response.end();
  }
  asked.push(request.url);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(': hello\\n\\n' + (request.url.includes('cursor') ? '' : event('state', { head: head() })));
  open.add(response);
});
server.listen(0, 'localhost', () => process.stdout.write(String(server.address().port)));
process.on('SIGTERM', () => { if (process.env.FILE) require('node:fs').rmSync(process.env.FILE); process.exit(0); });
`;

/** A data folder for one test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-link-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A stand-in that is found through the folder, like an emulator started in a terminal. */
export async function startStandIn(
  folder: string,
  options: { readonly odd?: boolean; readonly key?: string; readonly trouble?: string } = {},
) {
  const file = join(folder, 'emulator.json');
  const child = spawn(process.execPath, ['-e', program], {
    env: {
      ...process.env,
      FILE: file,
      ...(options.odd ? { ODD: '1' } : {}),
      ...(options.trouble ? { TROUBLE: options.trouble } : {}),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = await once(child.stdout, 'data');
  const api = Number(port);
  const running = {
    pid: child.pid ?? 0,
    processStart: processStart(child.pid ?? 0),
    version: '1',
    startedAt: 0,
    ports: { api, run: 2, queue: 3, ws: 4 },
  };
  writeFileSync(join(folder, 'key'), options.key ?? 'id:secret');
  writeFileSync(`${file}.new`, JSON.stringify(running));
  renameSync(`${file}.new`, file);
  const ask = (path: string) =>
    fetch(`http://localhost:${api}/${path}`, { headers: { authorization: 'Key id:secret' } });
  return {
    running,
    again: () => ask('again'),
    change: () => ask('change'),
    drop: () => ask('drop'),
    asked: async (): Promise<readonly string[]> => JSON.parse(await (await ask('asked')).text()),
    async end(signal: NodeJS.Signals) {
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}
