import { expect, it } from 'vitest';
import type { Workspace } from '../problems/runner-paths.ts';
import { debugPaths } from './paths.ts';

const workspace: Workspace = {
  apps: [
    { path: '/opened/one/app.py', aliases: ['one'], filesRoot: '/opened/one', project: undefined },
    { path: '/opened/two/app.py', aliases: ['two'], filesRoot: '/opened/two', project: undefined },
  ],
  links: [{ real: '/real', opened: '/opened' }],
  has: (path) => /^\/opened\/(one|two)\/(app|lib\/model)\.py$/.test(path),
  read: () => undefined,
  changedAt: () => 0,
};

it("a file runs at its path without links, and as a copy if it may be one of the app's files", () => {
  const { toRunner } = debugPaths('one', workspace);
  expect(toRunner('/opened/one/lib/model.py')).toEqual(['/real/one/lib/model.py', '/app/lib/model.py']);
  expect(toRunner('/opened/two/lib/model.py')).toEqual(['/real/two/lib/model.py']);
  expect(toRunner('/usr/lib/python3/os.py')).toEqual(['/usr/lib/python3/os.py']);
});

it('a file of the runner is the one that the window has, or is left as it is', () => {
  const { toEditor } = debugPaths('two', workspace);
  expect(toEditor('/real/two/app.py')).toBe('/opened/two/app.py');
  expect(toEditor('/app/lib/model.py')).toBe('/opened/two/lib/model.py');
  expect(toEditor('/app/unknown.py')).toBe('/app/unknown.py');
  expect(toEditor('/usr/lib/python3/os.py')).toBe('/usr/lib/python3/os.py');
});
