import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { usage } from '../../emulator/cli/line/usage.ts';
import { defaultPort } from '../../emulator/cli/listener.ts';
import { falPackages } from '../../emulator/local/fal-packages.ts';
import { pythonRange, pythonRangeText } from '../../emulator/local/python-versions.ts';
import { usable } from '../../extension/checked-settings.ts';
import { sdks } from '../conformance/sdks.ts';
import { root } from '../support/root.ts';
import { citingFiles } from './citations.ts';

const read = (name: string) => readFileSync(join(root, name), 'utf8');
const code = citingFiles(root)
  .filter(
    (name) => /^(emulator|extension|scripts|bin)\/.*\.(ts|mjs)$/.test(name) && !/\.test\.ts$|testing\//.test(name),
  )
  .map((name) => ({ name, text: read(name) }));
const filesWith = (pattern: RegExp) => code.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

describe('the supported versions of Python', () => {
  it.each(['README.md', 'extension/README.md', 'package.nls.json'])('are the same in %s as in the code', (name) => {
    const named = read(name).match(/3\.1\d(, 3\.1\d)*,? (to|or|and) 3\.1\d/g) ?? [];
    expect([...new Set(named)]).toEqual([pythonRangeText]);
  });

  it.each(readdirSync(join(root, 'templates')))('are required by the template %s', (name) => {
    expect(read(`templates/${name}/pyproject.toml`)).toContain(`requires-python = "${pythonRange}"`);
  });

  it('are written in one file of the code', () => {
    expect(filesWith(/3\.10\b.{0,12}\b3\.1[2-9]\b|minor >= 10/)).toEqual(['emulator/local/python-versions.ts']);
  });
});

describe("the releases of fal's packages", () => {
  it('are the newest ones that the conformance suites use', () => {
    expect(falPackages).toContain(`fal==${sdks[0]?.version}`);
    const installed = read('test/support/python-requirements.txt').replaceAll('fal-client', 'fal_client').split('\n');
    expect(installed).toEqual(expect.arrayContaining([...falPackages]));
  });

  it('are written in one file of the code', () => {
    expect(filesWith(/fal(_client)?==\d/)).toEqual(['emulator/local/fal-packages.ts']);
  });
});

it('the first port is the same in the command, the editor and README.md', () => {
  expect(usable('port', undefined)).toBe(defaultPort);
  expect(read('README.md')).toContain(`Ports: ${defaultPort} to ${defaultPort + 3} on 127.0.0.1`);
  expect(usage).toContain(`(default ${defaultPort};`);
});

it.each([
  ['the machine type where none is named', /\?\? ['"]XS['"]|= ['"]XS['"]/, 'emulator/catalog/machine-types.ts'],
  ['the message in an untrusted folder', /This folder is not trusted/, 'extension/problem.ts'],
])('%s is defined in one file', (_fact, pattern, file) => {
  expect(filesWith(pattern)).toEqual([file]);
});
