import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { appsOf, filesOf } from '../../target/app-code.ts';
import { readPythonFile } from '../../target/python-reader.ts';
import { listApps, nearestFirst, projectFolder } from './listed.ts';
import { readToml } from './toml-apps.ts';

function listed(files: { readonly [path: string]: string }) {
  const code = Object.entries(files).filter(([path]) => path.endsWith('.py'));
  const toml = Object.entries(files).filter(([path]) => path.endsWith('.toml'));
  return listApps(
    appsOf(filesOf(new Map(code.map(([path, text]) => [path, readPythonFile(text)])))),
    new Map(toml.map(([path, text]) => [path, readToml(text, parse).apps])),
  );
}
const app = (name: string) => `import fal\nclass ${name}(fal.App):\n    @fal.endpoint("/")\n    def a(self): ...\n`;
const rows = (files: { readonly [path: string]: string }) =>
  listed(files).map(({ label, appName, path, line }) => `${label} as ${appName} ${path}:${line + 1}`);

describe('the apps of a workspace', () => {
  it('are sorted by file and line, without classes that are only bases', () => {
    const files = {
      '/w/b.py': app('B'),
      '/w/a.py': `${app('A')}\n@fal.function()\ndef f(): ...`,
      '/w/base.py': 'import fal\nclass Base(fal.App): ...',
      '/w/c.py': 'from base import Base\nclass C(Base): ...',
    };
    expect(rows(files)).toEqual(['A as a /w/a.py:2', 'f as f /w/a.py:7', 'B as b /w/b.py:2', 'C as base /w/c.py:2']);
  });

  it('are those of entry points, too', () => {
    const toml = '[tool.fal.apps.prod]\npython_entry_point = "pkg.server:Server"\n';
    const files = { '/w/pyproject.toml': toml, '/w/src/pkg/server.py': app('Server') };
    expect(rows(files)).toEqual(['Server as prod /w/src/pkg/server.py:2']);
  });

  it('have their folder in front where two have the same name', () => {
    expect(
      rows({
        '/w/img/app.py': app('Model'),
        '/w/txt/app.py': app('Model'),
        '/w/txt/other.py': app('Model'),
        '/w/app.py': app('One'),
      }),
    ).toEqual([
      'One as one /w/app.py:2',
      'img/Model as model /w/img/app.py:2',
      'txt/app/Model as model /w/txt/app.py:2',
      'txt/other/Model as model /w/txt/other.py:2',
    ]);
  });

  it('are entries of pyproject.toml, each with the class that it names', () => {
    const toml = `[tool.fal.apps.img-prod]
ref = "img/app.py::Model"
[tool.fal.apps.img-dev]
ref = "img/app.py"
name = "dev"
[tool.fal.apps.boxed.image]
dockerfile = "Dockerfile"
[tool.fal.apps.gone]
ref = "img/gone.py::X"
`;
    const files = { '/w/s/pyproject.toml': toml, '/w/s/img/app.py': `${app('Model')}\n${app('Other')}` };
    expect(listed(files).map((one) => [one.label, one.appName, one.path, one.line, one.entry?.name])).toEqual([
      ['Model', 'img-prod', '/w/s/img/app.py', 1, 'img-prod'],
      ['Model', 'dev', '/w/s/img/app.py', 1, 'img-dev'],
      ['Other', 'other', '/w/s/img/app.py', 6, undefined],
      ['boxed', 'boxed', '/w/s/pyproject.toml', 5, 'boxed'],
      ['gone', 'gone', '/w/s/pyproject.toml', 7, 'gone'],
    ]);
  });

  it('include a base class that pyproject.toml names', () => {
    const files = {
      '/w/base.py': 'import fal\nclass Base(fal.App): ...',
      '/w/c.py': 'from base import Base\nclass C(Base): ...',
      '/w/pyproject.toml': '[tool.fal.apps.x]\nref = "base.py::Base"',
    };
    expect(rows(files)).toEqual(['Base as x /w/base.py:2', 'C as base /w/c.py:2']);
  });
});

it('puts the app at the cursor first, then the others of its file', () => {
  const files = { '/w/a.py': app('A'), '/w/b.py': `${app('B')}\n${app('C')}\n${app('D')}` };
  const names = (path: string, line: number) => nearestFirst(listed(files), path, line).map(({ name }) => name);
  expect(names('/w/b.py', 8)).toEqual(['C', 'B', 'D', 'A']);
  expect(names('/w/b.py', 0)).toEqual(['B', 'C', 'D', 'A']);
  expect(names('/w/other.py', 0)).toEqual(['A', 'B', 'C', 'D']);
});

it.each([
  ['/w/services/img/app.py', ['/w/services/img', '/w'], '/w/services/img'],
  ['/w/services/img/app.py', ['/w/services'], '/w/services'],
  ['/w/services/img/app.py', ['/w'], '/w'],
  ['/w/services/img/app.py', [], '/w/services/img'],
  ['/w/services/img/app.py', ['/', '/elsewhere'], '/w/services/img'],
  ['/w/app.py', [], '/w'],
])('%s with projects in %j runs in %s', (path, projects, expected) => {
  expect(projectFolder(path, '/w', (folder) => (projects as readonly string[]).includes(folder))).toBe(expected);
});
