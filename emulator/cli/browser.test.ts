import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { openerOf, openInBrowser } from './browser.ts';

it.each([
  [{}, 'linux', undefined],
  [{ DISPLAY: ':0' }, 'linux', 'xdg-open'],
  [{ WAYLAND_DISPLAY: 'wayland-0' }, 'linux', 'xdg-open'],
  [{}, 'darwin', 'open'],
  [{ BROWSER: '/usr/bin/own', DISPLAY: ':0' }, 'linux', '/usr/bin/own'],
] as const)('with %j on %s, addresses are opened by %s', (env, platform, expected) => {
  expect(openerOf(env, platform)).toBe(expected);
});

it('runs the program, and reports one that fails or is missing', async () => {
  const folder = testFolder();
  const script = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return { BROWSER: file };
  };
  const opened = join(folder, 'opened');
  const address = 'http://localhost:1/a#b';
  expect(await openInBrowser(address, script('good', `printf %s "$1" > ${opened}`))).toBe(true);
  expect(readFileSync(opened, 'utf8')).toBe(address);
  expect(await openInBrowser(address, script('bad', 'exit 3'))).toBe(false);
  const missing = join(folder, 'missing');
  expect(existsSync(missing)).toBe(false);
  expect(await openInBrowser(address, { BROWSER: missing })).toBe(false);
});
