import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { signalChild } from './signal.ts';

it('reaches a running child', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  expect(signalChild(child, 'SIGTERM')).toBe(true);
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  expect(signalChild(child, 'SIGTERM')).toBe(false);
});

it('sends nothing for a child that could not be started', async () => {
  const child = spawn('/no/such/program', { stdio: 'ignore' });
  const kill = vi.spyOn(child, 'kill');
  expect(signalChild(child, 'SIGCONT')).toBe(false);
  expect(kill).not.toHaveBeenCalled();
  await once(child, 'error');
});

it('is the only way in which the emulator signals a child', () => {
  const folder = join(import.meta.dirname, '..');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  );
  const direct = files.filter((file) =>
    /(?<!process)\.kill\(('SIG|signal\b)/.test(readFileSync(join(folder, file), 'utf8')),
  );
  expect(direct.filter((file) => !/(^|\/)(test-|testing\/)/.test(file))).toEqual([join('local', 'signal.ts')]);
});
