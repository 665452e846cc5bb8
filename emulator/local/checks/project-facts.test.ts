import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { projectFacts } from './project-facts.ts';

function settings(project: string, className = 'A'): readonly string[] {
  const folder = testFolder();
  mkdirSync(join(folder, 'apps'));
  writeFileSync(join(folder, 'pyproject.toml'), project);
  return [...projectFacts(join(folder, 'apps', 'app.py')).projectSettings(className)].sort();
}

it.each<[string, string, readonly string[]]>([
  ['of its class', '[tool.fal.apps.a]\nref = "apps/app.py::A"\nrequirements = ["numpy"]\n', ['ref', 'requirements']],
  ['of its file', '[tool.fal.apps.a]\nref = "./apps/app.py"\nimage = {}\n', ['image', 'ref']],
  ['of an entry point', '[tool.fal.apps.a]\npython_entry_point = "app:A"\n', ['python_entry_point']],
  ['of another class', '[tool.fal.apps.a]\nref = "apps/app.py::B"\nrequirements = ["numpy"]\n', []],
  ['of another file', '[tool.fal.apps.a]\nref = "app.py::A"\nrequirements = ["numpy"]\n', []],
  ['of an image', '[tool.fal.apps.a]\nimage = { image = "a" }\n', []],
  ['with Windows line ends', '[tool.fal.apps.a]\r\nref = "apps/app.py"\r\n', ['ref']],
  ['of an app whose table is wrong', '[tool.fal.apps]\na = 1\nb = { ref = 1 }\nc = { ref = "apps/app.py" }\n', ['ref']],
  ['without apps', '[project]\nname = "a"\n', []],
  ['that is not TOML', '[tool.fal.apps.a\nref = "apps/app.py"', []],
])('knows the settings %s', (_what, project, expected) => {
  expect(settings(project)).toEqual(expected);
});

it('knows nothing without a project, or if its pyproject.toml is a folder', () => {
  const folder = testFolder();
  mkdirSync(join(folder, 'pyproject.toml'));
  expect([...projectFacts(join(folder, 'app.py')).projectSettings('A')]).toEqual([]);
});
