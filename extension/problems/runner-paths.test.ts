import { expect, it } from 'vitest';
import { appRow, liveWith } from '../target/testing/live.ts';
import { withRuns, workspaceFile } from './runner-paths.ts';
import { workspaceOf } from './testing/rows.ts';

const files = {
  '/work/img/app.py': '',
  '/work/img/lib/util.py': '',
  '/work/txt/app.py': '',
  '/work/txt/lib/util.py': '',
  '/work/shared/common.py': '',
  '/work/only/here.py': '',
};
const workspace = workspaceOf(files, [
  { path: '/work/img/app.py', aliases: ['img'] },
  { path: '/work/txt/app.py', aliases: ['txt', 'a-uuid'] },
  { path: '/work/only/app.py', aliases: ['up'], filesRoot: '/work' },
]);

it.each([
  ['code sent by value', '/work/img/app.py', 'img', '/work/img/app.py'],
  ['a module of local_python_modules', '/work/shared/common.py', 'img', '/work/shared/common.py'],
  ['a path that is not normal', '/work/txt/../img/app.py', 'img', '/work/img/app.py'],
  ['code in a folder that was opened through a link', '/disk/work/img/app.py', 'img', '/work/img/app.py'],
  ['a file next to such a folder', '/disk/work2/img/app.py', 'img', undefined],
  ['an app file', '/app/lib/util.py', 'img', '/work/img/lib/util.py'],
  ['an app file of another app', '/app/lib/util.py', 'txt', '/work/txt/lib/util.py'],
  ['an app file of a run', '/app/lib/util.py', 'a-uuid', '/work/txt/lib/util.py'],
  ['an app file in app_files_context_dir', '/app/shared/common.py', 'up', '/work/shared/common.py'],
  ['an app file of an app that was run elsewhere', '/app/here.py', 'unknown', undefined],
  ['an app file that exists once', '/app/only/here.py', 'unknown', '/work/only/here.py'],
  ['a file outside the workspace', '/home/me/other.py', 'img', undefined],
  ['a file of the runner', '/app/gone.py', 'img', undefined],
  ['a path out of /app', '/app/../etc/passwd', 'img', undefined],
  ['executed text', '<string>', 'img', undefined],
])('finds %s', (_, path, alias, expected) => {
  expect(workspaceFile(path, alias, workspace)).toBe(expected);
});

it('finds an app file of a run that a terminal began', () => {
  const run = appRow({ alias: 'unknown', kind: 'run', appName: 'txt' });
  const nameless = appRow({ alias: 'other', kind: 'run' });
  const apps = withRuns(workspace.apps, liveWith({ apps: [run, nameless] }));
  expect(workspaceFile('/app/lib/util.py', 'unknown', { ...workspace, apps })).toBe('/work/txt/lib/util.py');
  expect(apps.map(({ aliases }) => aliases)).toEqual([['img'], ['txt', 'a-uuid', 'unknown'], ['up']]);
});
