import { expect, it } from 'vitest';
import { falPlace, type WorkingFolder } from './working-folder.ts';

const place = (app: string, mode: WorkingFolder, projects: readonly string[] = []) =>
  falPlace(app, '/w', mode, (folder) => projects.includes(folder));

it.each<[string, WorkingFolder, readonly string[], string, string]>([
  ['services/img/app.py::A', 'project', ['/w/services/img'], '/w/services/img', 'app.py::A'],
  ['services/img/app.py::A', 'project', ['/w'], '/w', 'services/img/app.py::A'],
  ['services/img/app.py::A', 'project', [], '/w/services/img', 'app.py::A'],
  ['services/img/app.py::A', 'file', ['/w'], '/w/services/img', 'app.py::A'],
  ['services/img/app.py::A', 'workspace', [], '/w', 'services/img/app.py::A'],
  ['app.py', 'project', [], '/w', 'app.py'],
  ['img/-x.py::A', 'project', [], '/w/img', './-x.py::A'],
  ['img/pyproject.toml::img-prod', 'workspace', [], '/w/img', 'img-prod'],
  ['img-prod', 'project', [], '/w', 'img-prod'],
])('%s with %s and projects in %j runs in %s as %s', (app, mode, projects, cwd, ref) => {
  expect(place(app, mode, projects)).toEqual({ cwd, ref });
});
