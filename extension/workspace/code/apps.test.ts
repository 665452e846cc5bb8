import { describe, expect, it } from 'vitest';
import { appsOf, filesOf } from '../../target/app-code.ts';
import { readPythonFile } from '../../target/python-reader.ts';
import { derivingWords, importsFal } from './mentions.ts';

const found = (files: { readonly [path: string]: string }) =>
  appsOf(filesOf(new Map(Object.entries(files).map(([path, text]) => [path, readPythonFile(text)]))));
const listed = (files: { readonly [path: string]: string }) =>
  [...found(files)].flatMap(([path, apps]) => apps.filter((app) => !app.isBase).map(({ name }) => `${path}::${name}`));

const base = 'import fal\nclass Base(fal.App):\n    keep_alive = 5\n';

describe('apps of several files', () => {
  it.each<[string, { readonly [path: string]: string }, readonly string[]]>([
    ['next to it', { 'base.py': base, 'app.py': 'from base import Base\nclass A(Base): ...' }, ['app.py::A']],
    [
      'by a relative import',
      { 'img/base.py': base, 'base.py': '', 'img/app.py': 'from .base import Base as B\nclass A(B): ...' },
      ['img/app.py::A'],
    ],
    [
      'in a folder above',
      { 'common/base.py': base, 'services/img/app.py': 'from common.base import Base\nclass A(Base): ...' },
      ['services/img/app.py::A'],
    ],
    [
      'in another source folder',
      { 'src/pkg/base.py': base, 'app/app.py': 'import pkg.base\nclass A(pkg.base.Base): ...' },
      ['app/app.py::A'],
    ],
    [
      'by way of modules that import all of each other',
      {
        ...Object.fromEntries(
          ['a', 'b', 'c', 'd', 'e'].map((name) => [
            `${name}.py`,
            'from a import *\nfrom b import *\nfrom c import *\nfrom d import *\nfrom e import *\nfrom base import *\n',
          ]),
        ),
        'base.py': base,
        'app.py': 'from a import *\nclass A(Base): ...\nclass B(Unknown): ...',
      },
      ['app.py::A'],
    ],
    [
      'by way of a package',
      {
        'pkg/__init__.py': 'from .base import *',
        'pkg/base.py': base,
        'app.py': 'from pkg import Base\nclass A(Base): ...',
      },
      ['app.py::A'],
    ],
    [
      'as a module of a package',
      { 'pkg/base.py': base, 'pkg/app.py': 'from . import base\nclass A(base.Base): ...' },
      ['pkg/app.py::A'],
    ],
    [
      'through several files',
      {
        'a.py': base,
        'b.py': 'from a import Base\nclass Middle(Base): ...',
        'c.py': 'from b import Middle\nclass C(Middle): ...',
      },
      ['c.py::C'],
    ],
  ])('are found where the base class is %s', (_, files, expected) => {
    expect(listed(files)).toEqual(expected);
  });

  it('include a base class only if it has an endpoint of its own', () => {
    const serving = `${base}    @fal.endpoint("/")\n    def a(self): ...\n`;
    const app = 'from base import Base\nclass A(Base): ...';
    expect(listed({ 'base.py': serving, 'app.py': app })).toEqual(['base.py::Base', 'app.py::A']);
    expect(found({ 'base.py': serving, 'app.py': app }).get('app.py')).toMatchObject([
      { endpoints: [], inherited: { endpoints: [{ method: 'a', path: '/' }] } },
    ]);
    expect(listed({ 'base.py': base })).toEqual(['base.py::Base']);
  });

  it('have the endpoints of classes that are no apps, each method once', () => {
    const method = (name: string, path: string) => `    @fal.endpoint("${path}")\n    def ${name}(self): ...\n`;
    const files = {
      'mixin.py': `import fal\nclass Health:\n${method('health', '/mixin')}${method('own', '/hidden')}`,
      'app.py': `import fal
from mixin import Health
class Base(Health, fal.App):
${method('health', '/base')}
class A(Health, fal.App):
${method('own', '/own')}
class B(Base):
${method('own', '/b')}`,
    };
    const paths = found(files)
      .get('app.py')
      ?.map(({ inherited }) => inherited.endpoints.map(({ path }) => path));
    expect(paths).toEqual([['/hidden'], ['/mixin'], ['/base']]);
    expect(listed(files)).toEqual(['app.py::Base', 'app.py::A', 'app.py::B']);
  });

  it('end with classes and modules that refer to each other', () => {
    const files = { 'a.py': 'from b import X\nclass Y(X): ...', 'b.py': 'from a import Y as X\nfrom b import *' };
    expect(listed(files)).toEqual([]);
  });

  // fal/app.py, measured with the SDK: see `appNameOf`.
  it.each([
    ['class A(fal.App):\n    app_name = "own"', 'own'],
    ['class A(fal.App, name="given"): ...', 'given'],
    ['class MyGoodApp(fal.App): ...', 'my-good-app'],
    ['class ONNXModel2(fal.App): ...', 'o-n-n-x-model'],
    ['class my_snake(fal.App): ...', 'my-snake'],
    ['class plain(fal.App): ...', 'plain'],
    ['class Base(fal.App): ...\nclass Sub(Base, name="zz"): ...', 'base'],
    ['class Base(fal.App): ...\nclass Sub(Base):\n    app_name = "own"', 'own'],
    ['class Named(fal.App, name="na"): ...\nclass Sub(Named): ...', 'na'],
  ])('are deployed under the name that the SDK gives them: %j', (classes, name) => {
    expect(
      found({ 'app.py': `import fal\n${classes}` })
        .get('app.py')
        ?.at(-1)?.appName,
    ).toBe(name);
  });
});

describe('the search before parsing', () => {
  it.each([
    ['import fal', true],
    ['    import fal as f', true],
    ['import os, fal', true],
    ['from fal.app import App', true],
    ['from fal import (\n    App,\n)', true],
    ['import fal_client', false],
    ['import falcon', false],
    ['# a fal app', false],
    ['x = "fal"', false],
  ])('importsFal(%j) is %j', (text, expected) => {
    expect(importsFal(text)).toBe(expected);
  });

  it('has the words by which a class may derive from one of another file', () => {
    expect([...derivingWords('from base import (\n  Base as B,\n)\nclass A(B, mod.C): ...')]).toEqual([
      'B',
      'mod',
      'C',
      'Base',
    ]);
    // Each of these may begin a list that has no end.
    expect(derivingWords('from a import (\n'.repeat(60_000)).size).toBe(0);
    // Another file may derive from what this one hands on.
    expect(derivingWords('from base import Base, helper\nclass A: ...')).toEqual(new Set(['Base']));
  });
});
