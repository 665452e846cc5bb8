import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import { readToml as read } from './toml-apps.ts';

const readToml = (text: string) => read(text, parse);

it('reads the apps of a pyproject.toml with their lines', () => {
  const text = `[project]
name = "demo"

[tool.fal.apps.img-prod]
ref = "services/img/app.py::Model"
auth = "private"
app_scale_settings = true

[tool.fal.apps]
short = { ref = "app.py" }
"with.dot" = { ref = "a.py::B", name = "deployed" }

[tool.fal.apps.boxed.image]
dockerfile = "Dockerfile"
`;
  expect(readToml(text).apps).toEqual([
    {
      name: 'img-prod',
      appName: 'img-prod',
      file: 'services/img/app.py',
      className: 'Model',
      resetsScale: true,
      line: 3,
    },
    { name: 'short', appName: 'short', file: 'app.py', className: undefined, resetsScale: false, line: 9 },
    { name: 'with.dot', appName: 'deployed', file: 'a.py', className: 'B', resetsScale: false, line: 10 },
    { name: 'boxed', appName: 'boxed', file: undefined, className: undefined, resetsScale: false, line: 12 },
  ]);
});

it('reads entry points, the older word for scaling, and what is next to a wrong entry', () => {
  const text = `[dependency-groups]
dev = []

[tool.fal.apps]
dev = { python_entry_point = "pkg.server:App", no_scale = false }
old = { ref = "a.py", no_scale = true, app_scale_settings = true }
wrong = "a.py"
`;
  expect(readToml(text).apps).toMatchObject([
    { name: 'dev', file: undefined, module: 'pkg.server', className: 'App', resetsScale: true, line: 4 },
    { name: 'old', file: 'a.py', resetsScale: false, line: 5 },
  ]);
});

it.each(['', '[project]\nname = "x"', '[tool.fal]\nteam = "x"', '[tool.fal]\napps = 3'])('finds none in %j', (text) => {
  expect(readToml(text)).toEqual({ apps: [], error: undefined });
});

it('names the line of an error', () => {
  expect(readToml('[tool.fal.apps.a]\nref = "a.py\n').error).toMatchObject({ line: 1, why: expect.any(String) });
});
