import { describe, expect, it } from 'vitest';
import { minifalCommand } from '../../support/emulator.ts';
import { filesWith } from '../../support/files-with.ts';
import { call } from '../../support/http.ts';
import { mustRun } from '../../support/process.ts';
import { commandLine } from '../../support/procfs.ts';
import { canary, emulator, family } from './bed.ts';

describe('a planted secret', () => {
  it('is in no file of the data folder', async () => {
    expect(await filesWith([canary], emulator.dataDir)).toEqual([]);
  });

  it('is in no output of the emulator and its commands', async () => {
    const options = { env: emulator.env };
    const status = await mustRun(process.execPath, [minifalCommand, 'status', '--data', emulator.dataDir], options);
    const history = await call(emulator, 'api', '/logs/?limit=1000');
    const lines = await history.text();
    expect(lines).toContain('the secret is');
    for (const text of [emulator.logText(), status, lines]) expect(text).not.toContain(canary);
  });

  it('is in no process argument', () => {
    const guilty = family().filter((pid) => commandLine(pid).includes(canary));
    expect(guilty).toEqual([]);
  });

  it('is as well hidden as the key, which is only in its own file', async () => {
    const secret = emulator.variables.FAL_KEY?.split(':')[1] ?? '';
    expect(secret.length).toBeGreaterThan(16);
    expect(await filesWith([secret], emulator.dataDir)).toEqual([`${emulator.dataDir}/key`]);
    expect(emulator.logText()).not.toContain(secret);
    expect(family().filter((pid) => commandLine(pid).includes(secret))).toEqual([]);
  });
});
