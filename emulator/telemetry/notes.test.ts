import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { mainMigrations } from '../migrations.ts';
import { openStore } from '../store/open.ts';
import { testFolder } from '../store/testing/folder.ts';
import { createNoteRecorder } from './notes.ts';
import { createRunnerHistory } from './runners.ts';
import type { LogLine } from './types.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

it('shows a wait for room to followers of the app, and changes of state on request', () => {
  const store = openStore(join(testFolder(), 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  closing.push(() => store.close());
  const lines: Omit<LogLine, 'seq'>[] = [];
  const history = createRunnerHistory({ store, clock: () => 1 });
  const notes = createNoteRecorder({ history, logs: { append: (line) => lines.push(line) } });
  const says = 'No capacity: 4 of 4 runners on this machine are in use.';
  const noRoom = {
    code: 'no_room',
    numbers: { used: 4, limit: 4 },
    since: 0,
    until: null,
    evidence: null,
    action: 'free_a_runner',
    also: null,
  } as const;
  const about = { at: 1, alias: 'app', runnerId: 'r' };
  notes.record([
    { ...about, topic: 'runner.state', text: 'Created by scaling.', from: '', to: 'PENDING' },
    { ...about, topic: 'runner.capacity', text: '', reason: noRoom, revision: 'rev2' },
    { ...about, topic: 'runner.capacity', text: 'There is room for it now.' },
    { ...about, topic: 'runner.reload', text: 'The reload waits for the debugger.' },
    { ...about, topic: 'request.waiting', text: 'not for the log' },
  ]);
  expect(lines).toMatchObject([
    { level: 'DEBUG', message: 'Runner PENDING: Created by scaling.', runnerId: 'r' },
    { level: 'INFO', source: 'BRIDGE', message: says, alias: 'app', runnerId: 'r', revision: 'rev2' },
    { level: 'INFO', source: 'BRIDGE', message: 'There is room for it now.' },
    { level: 'INFO', source: 'BRIDGE', message: 'The reload waits for the debugger.', alias: 'app', runnerId: 'r' },
  ]);
});

it('keeps why a runner waits as data, also after a restart, and words it', () => {
  const file = join(testFolder(), 'minifal.db');
  const open = () => openStore(file, { migrations: mainMigrations, synchronous: 'FULL' });
  const store = open();
  const history = createRunnerHistory({ store, clock: () => 1 });
  const lines: string[] = [];
  const notes = createNoteRecorder({ history, logs: { append: ({ message }) => lines.push(message) } });
  const waitsFor = {
    code: 'start_failures',
    numbers: { failures: 2 },
    since: 1,
    until: 60_001,
    evidence: 'No weights',
    action: 'read_start_failure',
    also: null,
  } as const;
  history.started({ id: 'r', alias: 'app', revision: 'rev', machineType: 'XS', startedAt: 1 });
  const state = { at: 1, alias: 'app', runnerId: 'r', topic: 'runner.state', text: '', from: '', to: 'FAILURE_DELAY' };
  notes.record([{ ...state, reason: waitsFor }]);
  expect(lines).toEqual(['Runner FAILURE_DELAY: The last start failed: No weights.']);
  store.close();
  const again = open();
  closing.push(() => again.close());
  expect(createRunnerHistory({ store: again, clock: () => 1 }).transitions('r')[0]).toEqual({
    at: 1,
    state: 'FAILURE_DELAY',
    reason: 'The last start failed: No weights.',
    waitsFor,
  });
});
