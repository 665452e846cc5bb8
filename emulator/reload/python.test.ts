import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { falOf, falOnPath } from './python.ts';

function program(file: string, text = '#!/bin/sh\n'): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

describe('the Python of the `fal` command', () => {
  it('is in its first line', () => {
    const folder = testFolder();
    const python = program(join(folder, 'venv/bin/python3.11'));
    const fal = program(join(folder, 'bin/fal'), `#!${python}\nimport sys\n`);
    expect(falOnPath(`/nowhere:relative:${join(folder, 'bin')}`)).toEqual({ fal: [fal], python });
  });

  it('is in the second line if its path is too long for the first', () => {
    const folder = testFolder();
    const python = program(join(folder, 'with blanks/bin/python'));
    const text = `#!/bin/sh\n'''exec' "${python}" "$0" "$@"\n' '''\nimport sys\n`;
    const fal = program(join(folder, 'bin/fal'), text);
    expect(falOnPath(join(folder, 'bin'))).toEqual({ fal: [fal], python });
  });

  it('is next to what a link of pipx or uv leads to', () => {
    const folder = testFolder();
    const python = program(join(folder, 'venvs/fal/bin/python'));
    mkdirSync(join(folder, 'bin'));
    symlinkSync(program(join(folder, 'venvs/fal/bin/fal'), '#!/usr/bin/env python\n'), join(folder, 'bin/fal'));
    expect(falOnPath(join(folder, 'bin'))).toEqual({ fal: [join(folder, 'bin/fal')], python });
  });

  it('is unknown without a command', () => {
    expect(falOnPath('/nowhere')).toBeUndefined();
  });
});

describe('the `fal` of a Python', () => {
  it('is the script next to it, otherwise its module', () => {
    const folder = testFolder();
    const python = program(join(folder, 'bin/python'));
    expect(falOf(python, '')).toEqual({ python, fal: [python, '-m', 'fal'] });
    const fal = program(join(folder, 'bin/fal'));
    expect(falOf(python, '')).toEqual({ python, fal: [fal] });
    expect(falOf('python', join(folder, 'bin'))).toEqual({ python, fal: [fal] });
    expect(falOf(join(folder, 'bin/python4'), '')).toBeUndefined();
  });
});
