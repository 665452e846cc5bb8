import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { builtPackages } from './built-packages.ts';
import { fileFacts } from './file-facts.ts';

it('knows the packages of environments that were built, and of no unfinished one', () => {
  const folder = testFolder();
  const build = (hash: string, current: string, ...packages: readonly string[]) => {
    for (const name of packages)
      mkdirSync(join(folder, 'environments', hash, '2', 'lib', 'python3.11', 'site-packages', name), {
        recursive: true,
      });
    writeFileSync(join(folder, 'environments', hash, 'current'), current);
  };
  build(
    'a',
    '{"version":1,"build":"2","python":"3.11"}',
    'Some_Thing-1.2.3+cpu.dist-info',
    'some_thing',
    'pip-1.dist-info',
  );
  build('b', '{"version":1,"build":"../..","python":"3.11"}', 'other-1.dist-info');
  mkdirSync(join(folder, 'environments', 'c'));
  expect(builtPackages(folder)).toEqual([
    new Map([
      ['some-thing', '1.2.3+cpu'],
      ['pip', '1'],
    ]),
  ]);
  expect(builtPackages(join(folder, 'nowhere'))).toEqual([]);
});

it('knows modules in the folders of an app, and sizes of files', () => {
  const folder = testFolder();
  mkdirSync(join(folder, 'pkg'));
  mkdirSync(join(folder, 'apps'));
  writeFileSync(join(folder, 'apps', 'own.py'), '');
  writeFileSync(join(folder, 'big'), '');
  truncateSync(join(folder, 'big'), 3 * 1024 ** 3);
  const { isLocal, fileBytes } = fileFacts(join(folder, 'apps', 'app.py'));
  expect(['own', 'pkg', 'numpy'].map(isLocal)).toEqual([true, true, false]);
  expect([fileBytes('..', 'big'), fileBytes('.', 'big'), fileBytes('..', 'pkg')]).toEqual([
    3 * 1024 ** 3,
    undefined,
    undefined,
  ]);
  expect(['a\0b', 'x'.repeat(5_000), 'none'].map((name) => fileBytes('.', name))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(['a\0b', 'x'.repeat(5_000)].map(isLocal)).toEqual([false, false]);
});
