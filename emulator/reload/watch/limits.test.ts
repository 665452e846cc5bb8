import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isMissing } from '../../../test/support/needs.ts';
import { testFolder } from '../../store/testing/folder.ts';

/** In a user namespace of its own, a process can lower its own limits. */
const limited = (name: string, program: readonly string[]) => [
  ...['unshare', '-Ur', 'sh', '-c', `echo 0 > /proc/sys/user/${name} && exec "$@"`, 'sh'],
  ...program,
];
const [command = '', ...args] = limited('max_inotify_watches', ['true']);
const isHere = spawnSync(command, args).status === 0;

describe.skipIf(isMissing(isHere, 'a used-up limit of inotify: setting one takes a user namespace'))(
  'a watcher',
  () => {
    it.each([
      ['max_inotify_watches', 'inotify watches', 'fs.inotify.max_user_watches='],
      ['max_inotify_instances', 'inotify instances', 'fs.inotify.max_user_instances='],
    ])('that has reached %s polls, and reports how to raise it', (name, what, remedy) => {
      const root = testFolder();
      const file = join(root, 'app.py');
      writeFileSync(file, 'x = 1\n');
      const source = `
      const { createWatcher } = await import(${JSON.stringify(join(import.meta.dirname, 'watcher.ts'))});
      const { appendFileSync } = await import('node:fs');
      const file = ${JSON.stringify(file)};
      const watcher = createWatcher({
        root: ${JSON.stringify(root)},
        ignored: [],
        onChange(change) { console.log('changed', change.file); process.exit(0); },
        onTrouble(sentence) { console.log(sentence); appendFileSync(file, 'y = 1\\n'); },
      });
      await watcher.watch([file], Date.now());`;
      const [sh = '', ...rest] = limited(name, [process.execPath, '--input-type=module', '-e', source]);
      const { stdout } = spawnSync(sh, rest, { encoding: 'utf8', timeout: 30_000 });
      expect(stdout).toContain(`limit of ${what}`);
      expect(stdout).toContain(`sudo sysctl ${remedy}`);
      expect(stdout).toContain(`changed ${file}`);
    });
  },
);
