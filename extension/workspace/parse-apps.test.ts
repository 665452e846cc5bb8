import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseApps } from './parse-apps.ts';

const templates = join(import.meta.dirname, '..', '..', 'templates');
const names = (source: string) => parseApps(source).map(({ name, kind }) => `${kind} ${name}`);

describe('apps in a Python file', () => {
  it.each(readdirSync(templates))('are found in the template %s', (template) => {
    expect(parseApps(readFileSync(join(templates, template, 'app.py'), 'utf8'))).toMatchObject([{ kind: 'app' }]);
  });

  it('are found with the line of their name', () => {
    expect(parseApps('import fal\n\n@dec\nclass One(fal.App, keep_alive=60):\n    pass\n')).toEqual([
      { name: 'One', kind: 'app', line: 3 },
    ]);
    expect(parseApps('import fal\n@fal.function(\n    "virtualenv",\n)\n@other\nasync def go():\n    pass\n')).toEqual([
      { name: 'go', kind: 'function', line: 5 },
    ]);
  });

  it.each([
    ['import fal as f\nclass A(f.App): ...', ['app A']],
    ['import os, fal\nclass A(\n    fal.App,\n    name="x(",\n): ...', ['app A']],
    ['from fal import App\nclass A(App): ...', ['app A']],
    [
      'from fal import (\n    App as Base,\n    function,\n)\nclass A(Base): ...\n@function()\ndef b(): ...',
      ['app A', 'function b'],
    ],
    ['from fal.app import App\nclass A(Mixin, App): ...', ['app A']],
    ['import fal\nclass Base(fal.App): ...\nclass Sub(Base): ...', ['app Base', 'app Sub']],
    ['import fal\n@fal.function\ndef bare(): ...', ['function bare']],
  ])('are found in %j', (source, expected) => {
    expect(names(source)).toEqual(expected);
  });

  it.each([
    'class A(fal.App): ...',
    'import fal\n# class A(fal.App): ...',
    'import fal\n"""\nclass A(fal.App): ...\n"""',
    "import fal\nx = '''\n@fal.function()\ndef a(): ...'''",
    'import fal\nclass A(Base, metaclass=fal.App): ...',
    'import fal\nclass A: ...\nclass B(falx.App): ...',
    'import fal\nif True:\n    class A(fal.App): ...',
    'import fal.toolkit\nclass A(fal.App): ...',
    'import fal\n@fal.function()\nclass A: ...\ndef b(): ...',
  ])('are not seen in %j', (source) => {
    expect(names(source)).toEqual([]);
  });

  it('are found in unfinished text, without hanging', () => {
    expect(names('import fal\nclass A(fal.App, x=(')).toEqual(['app A']);
    expect(names('import fal\nx = """ class A(fal.App): ...')).toEqual([]);
  });
});
