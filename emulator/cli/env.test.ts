import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientEnv } from '../local/data-folder.ts';
import { printable } from '../local/printable.ts';
import { templatesFolder } from '../local/templates/find.ts';
import { readTemplate } from '../local/templates/read.ts';
import { writeSkeleton } from '../local/templates/skeleton.ts';
import { testFolder } from '../store/testing/folder.ts';
import { evalLine, formatEnv, formatOfShell } from './env.ts';

const isInstalled = (program: string) => spawnSync(program, ['--version']).error === undefined;
const shells = [
  { shell: 'sh', format: 'sh', isInstalled: true },
  ...(['bash', 'dash', 'zsh', 'ksh'] as const).map(
    (shell) => ({ shell, format: 'sh', isInstalled: isInstalled(shell) }) as const,
  ),
  { shell: 'fish', format: 'fish', isInstalled: isInstalled('fish') },
  { shell: 'pwsh', format: 'powershell', isInstalled: isInstalled('pwsh') },
] as const;

/** Characters that may be in a path, and more. */
const odd = {
  WITH_SPACES: '/my  data/ x ',
  WITH_QUOTES: `it's "so" \`so\` ‘so’ ''`,
  WITH_SIGNS: "$HOME $(id) %PATH% !! \\ \\n \\' & ; | > * ? ~ # [a] {b,c} (d)",
  OF_LINES: '/one\n/two\n\n\tthree\n',
  OF_OTHERS: 'ä 数 🙂 \u001b[1m',
  OF_NOTHING: '',
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'minifal env\'s $HOME\n"x" '));
  mkdirSync(join(folder, 'bin'));
  // A stand-in for `minifal env`: it prints the values in the file that is its second argument.
  writeFileSync(join(folder, 'bin', 'it'), '#!/bin/sh\ncat -- "$2"\n', { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the printed variables', () => {
  it.each(shells.filter((one) => one.isInstalled))('survive $shell, whatever is in them', ({ shell, format }) => {
    const file = join(folder, `${shell}'s variables`);
    writeFileSync(file, `${formatEnv(odd, format)}\n`);
    const line = evalLine([join(folder, 'bin', 'it'), 'env', file], format);
    // Asks another program, because the values have to reach the programs that the shell starts.
    const print = `process.stdout.write(JSON.stringify(process.env))`;
    const call = format === 'powershell' ? '&' : '';
    expect(printable(line)).toBe(line);
    const script = `${line}\n${call} '${process.execPath}' -e '${print}'\n`;
    const output = execFileSync(shell, ['-c', script], { encoding: 'utf8', env: { PATH: process.env.PATH } });
    expect(JSON.parse(output)).toMatchObject(odd);
  });

  it('survive readers of JSON, and of .env files as far as these agree on the syntax', () => {
    expect(JSON.parse(formatEnv(odd, 'json'))).toEqual(odd);
    expect(formatEnv({ A: '/a b/$HOME\n"c"', B: "it's" }, 'dotenv')).toBe(`A='/a b/$HOME\n"c"'\nB="it's"`);
  });

  it.each([
    ['fish', "set -gx A 'it\\'s'"],
    ['powershell', "$env:A = 'it''s'"],
    ['dotenv', 'A="it\'s"'],
  ] as const)('are quoted for %s', (format, text) => {
    expect(formatEnv({ A: "it's" }, format)).toBe(text);
  });

  it("do not end at PowerShell's typographic quotes", () => {
    expect(formatEnv({ A: 'a‘b’c' }, 'powershell')).toBe("$env:A = 'a‘‘b’’c'");
  });

  it.each([
    ['/usr/bin/fish', 'fish'],
    ['/bin/zsh', 'sh'],
    ['/snap/bin/pwsh', 'powershell'],
    [undefined, 'sh'],
  ])('take the form of the shell %s', (shell, format) => {
    expect(formatOfShell(shell, 'linux')).toBe(format);
  });

  it('name the same host for gRPC and REST, as several commands need', () => {
    const env = clientEnv('/data', { api: 1, run: 2, queue: 3, ws: 4 }, 'id:secret', {});
    expect(env.FAL_REST_HOST).toBe(env.FAL_GRPC_HOST);
    expect(env.FAL_HOST).toBe('localhost:1');
  });
});

describe('the configuration for `fal create`', () => {
  const ports = { api: 1, run: 2, queue: 3, ws: 4 };

  it('is named once it is there, in place of that of another emulator, but not of one of the user', () => {
    const folder = testFolder();
    const named = (around: NodeJS.ProcessEnv) => clientEnv(folder, ports, 'id:secret', around).COOKIECUTTER_CONFIG;
    expect(named({})).toBeUndefined();
    writeSkeleton(folder, readTemplate(templatesFolder(), 'hello'));
    const own = join(folder, 'fal-create', 'cookiecutter.yaml');
    expect(named({})).toBe(own);
    expect(named({ COOKIECUTTER_CONFIG: '/other/fal-create/cookiecutter.yaml' })).toBe(own);
    expect(named({ COOKIECUTTER_CONFIG: '/home/a/cookiecutter.yaml' })).toBeUndefined();
  });
});

describe('the line that sets them', () => {
  it.each([
    ['sh', `eval "$(it "$(printf %b 'a\\0012b'\\''c\\\\')")"`],
    ['fish', `it 'a'\\x0a'b\\'c\\\\' | source`],
    ['powershell', `it "a$([char]10)b'c\\" | Out-String | Invoke-Expression`],
  ] as const)('has control characters in the escapes of %s', (shell, line) => {
    expect(evalLine(['it', "a\nb'c\\"], shell)).toBe(line);
  });

  it.each([
    ['sh', `eval "$(minifal env --data '/a b')"`],
    ['fish', `minifal env --data '/a b' | source`],
    ['powershell', `minifal env --data '/a b' | Out-String | Invoke-Expression`],
  ] as const)('is one of %s', (shell, line) => {
    expect(evalLine(['minifal', 'env', '--data', '/a b'], shell)).toBe(line);
  });
});
