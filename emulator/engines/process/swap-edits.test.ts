import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { pythonTools } from '../../../test/support/python.ts';
import type { Engine, RunnerAddress } from '../engine.ts';
import { passOf } from '../pass.ts';
import { type Watched, watch } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { runnerSources, specFor, type WorkFolder, workFolder } from './testing/runners.ts';
import type { Virtualenv } from './virtualenv.ts';

const helpers = join(import.meta.dirname, '../../reload/loader/testing');
const program = join(import.meta.dirname, 'testing/swap/edits.py');
/** Numbers of edits; the long form has them all. */
const numbers = { base: [2, 25, 31, 54, 56], corpus: [0, 31] } as const;
const slow = Boolean(process.env.MINIFAL_SLOW);

/** A row of edits.py. */
const row = z.object({
  number: z.number(),
  name: z.string(),
  verdict: z.string(),
  files: z.record(z.string(), z.string()),
});
type Row = z.infer<typeof row>;

let work: WorkFolder;
let engine: Engine;
let environment: Virtualenv;
const handles: { kill(): void }[] = [];

beforeAll(async () => {
  work = workFolder();
  const { python } = await pythonTools();
  environment = { kind: 'virtualenv', id: 'sdk', python, extraPaths: [] };
  engine = createProcessEngine({ dataDir: work.root, runnerSources });
}, 300_000);
afterEach(() => {
  for (const handle of handles.splice(0)) handle.kill();
});
afterAll(async () => {
  await engine?.close();
  work?.remove();
});

function start(file: string, { files }: Row): Watched {
  const callable = { kind: 'pickle', method: 'cloudpickle', file } as const;
  const appFiles = work.app(files);
  const env = { PYTHONPATH: '/app' };
  const runner = watch(engine, specFor(work, '', { environment, callable, appFiles, env, development: true }));
  handles.push(runner.handle);
  return runner;
}

const head = (address: RunnerAddress) => Object.fromEntries(passOf(address));

async function call(address: RunnerAddress, path: string, body: unknown, method = 'POST'): Promise<unknown> {
  const headers = { ...head(address), 'content-type': 'application/json' };
  const sent = body === null ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`http://${address.host}:${address.port}${path}`, { method, headers, ...sent });
  return [response.status, await response.text(), response.headers.get('x-fal-runner-hints')];
}

/** The answer to one message (`{"prompt": "w"}`). */
function say(address: RunnerAddress): Promise<string> {
  const socket = new WebSocket(`ws://${address.host}:${address.port}/rt`, { headers: head(address) });
  const message = Buffer.from([0x81, 0xa6, ...Buffer.from('prompt'), 0xa1, ...Buffer.from('w')]);
  const answer = new Promise<string>((resolve) => {
    socket.once('open', () => socket.send(message)).once('message', (data) => resolve(data.toString()));
    socket.once('close', (code) => resolve(`closed with ${code}`)).once('error', ({ message }) => resolve(message));
  });
  return answer.finally(() => socket.terminate());
}

const calls: readonly (readonly [path: string, body: unknown, method?: string])[] = [
  ...[['/', { prompt: ' p ' }] as const, ['/', {}] as const, ['/', { prompt: 3 }] as const, ['/fail', null] as const],
  ...[['/fail', {}] as const, ['/fail2', null] as const, ['/new', {}] as const, ['/stream', null] as const],
  ...[['/classes', null] as const, ['/options', { depth: 3 }] as const, ['/options', { depth: '3x' }] as const],
  ...[['/', { text: 'a', inner: {}, level: 2 }] as const, ['/', { text: 'a'.repeat(10) }] as const],
  ...[['/openapi.json', null, 'GET'] as const, ['/health', null, 'GET'] as const],
];

async function answers(address: RunnerAddress): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [path, body, method] of calls)
    found[`${path} ${JSON.stringify(body)}`] = await call(address, path, body, method);
  found.realtime = await say(address);
  return found;
}

async function ready(runner: Watched): Promise<RunnerAddress> {
  const address = await runner.ready;
  if (address === null) throw new Error('It has no address.');
  return address;
}

/** What it prints at its end. */
async function end(runner: Watched): Promise<readonly string[]> {
  await runner.handle.flushLines();
  const before = runner.lines.length;
  runner.handle.terminate();
  await runner.exited;
  return runner.lines.slice(before).flatMap(({ text, isServer }) => (isServer || /^INFO: /.test(text) ? [] : [text]));
}

/** How the runner of the app, after the change, differs from a fresh one; `null`: the change is refused. */
async function difference(folder: string, app: Row, edit: Row): Promise<unknown> {
  const [old, fresh] = [start(join(folder, 'base.pickle'), app), start(join(folder, `${edit.number}.pickle`), edit)];
  const [changed, restarted] = [await ready(old), await ready(fresh)];
  await answers(changed);
  const delta = readFileSync(join(folder, `${edit.number}.delta`));
  const outcome = await old.handle.swap({ delta, patienceSeconds: 10 });
  if (!outcome.ok) return outcome.code === 'refused' ? null : outcome;
  await answers(restarted);
  const [got, want] = [await answers(changed), await answers(restarted)];
  const [gotEnd, wantEnd] = [await end(old), await end(fresh)];
  const names = Object.keys(want).filter((name) => JSON.stringify(got[name]) !== JSON.stringify(want[name]));
  if (gotEnd.join('\n') !== wantEnd.join('\n')) return { gotEnd, wantEnd };
  return names.map((name) => ({ name, got: got[name], want: want[name] }));
}

describe('an edit that a running app takes over', () => {
  it.each(['base', 'corpus'] as const)(
    'makes it answer, stream and end as a fresh one does: %s',
    async (table) => {
      const folder = join(work.root, table);
      mkdirSync(folder);
      const { env } = await pythonTools();
      const args = ['-W', 'ignore', program, helpers, table, folder, ...(slow ? [] : numbers[table]).map(String)];
      const { stdout } = await promisify(execFile)(environment.python, args, { env: env(process.env), maxBuffer: 1e8 });
      const [app, ...edits] = stdout
        .trim()
        .split('\n')
        .map((line) => row.parse(JSON.parse(line)));
      if (!app) throw new Error(stdout);
      const taken: string[] = [];
      for (const edit of edits.filter(({ verdict }) => verdict === 'swap')) {
        const found = await difference(folder, app, edit);
        expect([edit.number, edit.name, found ?? []]).toEqual([edit.number, edit.name, []]);
        if (found !== null) taken.push(edit.name);
      }
      expect(taken.length).toBeGreaterThanOrEqual(edits.length * (slow ? 0.5 : 0.8));
    },
    slow ? 1_800_000 : 120_000,
  );
});
