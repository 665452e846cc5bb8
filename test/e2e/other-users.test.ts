import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { isMissing } from '../support/needs.ts';
import { mustRun } from '../support/process.ts';
import { root } from '../support/root.ts';

const nobody = 65_534;
/** Loads modules before the switch to `nobody`, who can't read them if the clone is in a private folder. */
const asNobody = `
const [folder, command, options] = process.argv.slice(1);
const { [command]: act } = await import(folder + '/' + command + '.ts');
process.setgroups([]);
process.setgid(${nobody});
process.setuid(${nobody});
try {
  await act(JSON.parse(options));
} catch (error) {
  console.log(error.message, error.next);
}
`;

const isRoot = process.getuid?.() === 0;
describe.skipIf(isMissing(isRoot, 'a command by another user than the emulator runs as: that takes root'))(
  "another user's emulator",
  () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator();
    });
    afterAll(() => emulator?.stop());

    const call = (command: string, options: object) => {
      const args = ['--input-type=module', '-e', asNobody, join(root, 'emulator', 'cli', 'commands'), command];
      return mustRun(process.execPath, [...args, JSON.stringify(options)]);
    };

    it.each(['start', 'status', 'stop', 'clean'])('is noticed by `minifal %s`', async (command) => {
      const output = await call(command, { data: emulator.dataDir, shared: [] });
      expect(output).toBe(
        `${emulator.dataDir} belongs to root: you don't have permission to use it. ` +
          'Run this command as root, or choose another folder with --data DIR.\n',
      );
    });

    it('is not searched for in a folder that its owner locked', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'minifal-locked-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      chmodSync(folder, 0);
      chownSync(folder, nobody, nobody);
      expect(await call('stop', { data: folder })).toBe(`No emulator is using ${folder}.\n`);
    });

    it('is named when `minifal stop` finds it by its port', async () => {
      const output = await call('stop', { data: '/nonexistent/minifal', port: emulator.ports.api });
      expect(output).toBe(
        `The emulator on port ${emulator.ports.api} belongs to root. Only that user or root can stop it.\n`,
      );
    });
  },
);
