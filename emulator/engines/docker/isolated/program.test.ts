import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../../../store/testing/folder.ts';
import type { RunnerEvents } from '../../engine.ts';
import { createProgram } from './program.ts';

const nothing = () => undefined;

function setUp(more: { readonly mode: 'call' | 'serve'; readonly env?: Readonly<Record<string, string>> }) {
  const folder = testFolder();
  const callable = join(folder, 'callable');
  writeFileSync(callable, '');
  const reports: unknown[] = [];
  const program = createProgram({
    spec: {
      runnerId: 'runner',
      environment: { kind: 'container', id: 'hash', image: 'image', entrypoint: null, cmd: null },
      callable: { kind: 'pickle', file: callable, method: 'pickle' },
      health: { path: null, method: 'GET', timeoutSeconds: 5 },
      appFiles: [],
      env: {},
      dataDir: folder,
      ...more,
    },
    isolated: { command: 'python', runner: '/nowhere', pythonOptions: [], firstPaths: [], extraPaths: [] },
    events: new Proxy({}, { get: () => nothing }) as RunnerEvents,
    folder: join(folder, 'runner'),
    clock: () => 1,
    report: (error) => void reports.push(error),
    places: { follow: () => nothing },
    debuggers: { folder, install: async () => folder },
    maxMib: 1,
  });
  onTestFinished(() => program.close());
  return { program, reports, control: join(folder, 'runner', 'run', 'control') };
}

it('a function whose value is too large ends with that reason, which is no bug', async () => {
  const { program, reports, control } = setUp({ mode: 'call' });
  await program.prepare();
  const supervisor = connect(control).on('error', nothing);
  await once(supervisor, 'data');
  const data = Buffer.alloc(300_000).toString('base64');
  for (let piece = 0; piece < 4; piece++)
    supervisor.write(`${JSON.stringify({ event: 'piece', id: 'runner', data })}\n`);
  await once(supervisor.resume(), 'close');
  await program.silent;
  const error = 'was ended because the value of its function has more than 1 MiB.';
  expect([program.ending().exit, reports]).toEqual([{ code: null, signal: null, error }, []]);
});
