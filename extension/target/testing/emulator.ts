import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { processStart } from '../../../emulator/local/data-folder.ts';

/**
 * Serves `/minifal/events` like the emulator, in a process that can be killed. `GET /again` makes it send its state
 * again, `GET /change` makes it send a change that adds an app.
 */
const program = `
const { createServer } = require('node:http');
let sent = 0;
const open = new Set();
const state = () => ({
  version: '1', pid: process.pid, startedAt: 0, timeScale: 1, owner: 'local', trouble: null,
  apps: [], runners: [], waiting: [], ...(process.env.ODD ? { apps: 7 } : { startedAt: sent++ }),
});
const added = { alias: 'new', revision: 'r', authMode: 'private', url: 'https://x', queueSize: 0 };
const change = { trouble: null, troubleWhy: null, apps: [added], goneApps: [], runners: [], waiting: [] };
const toAll = (text, response) => {
  for (const one of open) one.write(text + '\\n\\n');
  response.end();
};
const server = createServer((request, response) => {
  if (request.headers.authorization !== 'Key id:secret') return void response.writeHead(401).end();
  if (request.url === '/again') return toAll('data: ' + JSON.stringify(state()), response);
  if (request.url === '/change') return toAll('event: change\\ndata: ' + JSON.stringify(change), response);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(': hello\\n\\ndata: ' + JSON.stringify(state()) + '\\n\\n');
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
export async function startStandIn(folder: string, options: { readonly odd?: boolean; readonly key?: string } = {}) {
  const file = join(folder, 'emulator.json');
  const child = spawn(process.execPath, ['-e', program], {
    env: { ...process.env, FILE: file, ...(options.odd ? { ODD: '1' } : {}) },
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
  return {
    running,
    again: () => fetch(`http://localhost:${api}/again`, { headers: { authorization: 'Key id:secret' } }),
    change: () => fetch(`http://localhost:${api}/change`, { headers: { authorization: 'Key id:secret' } }),
    async end(signal: NodeJS.Signals) {
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}
