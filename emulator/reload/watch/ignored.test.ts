import { describe, expect, it } from 'vitest';
import { ignoredBy } from './ignored.ts';

describe('a path that is not watched', () => {
  it.each([
    ['*.md', 'README.md', true],
    ['*.md', 'docs/deep/README.md', true],
    ['*.md', 'app.py', false],
    ['assets', 'assets/a/b.txt', true],
    ['assets/', 'lib/assets/b.txt', true],
    ['lib/assets', 'lib/assets/b.txt', true],
    ['lib/assets', 'assets/b.txt', false],
    ['./lib/**/*.json', 'lib/a/b.json', true],
    ['/project/lib/*.py', 'lib/a.py', true],
    ['/elsewhere', 'lib/a.py', false],
    ['.env*', '.env.local', true],
    ['helper.py', 'lib/helper.py', true],
    ['/project/out (1)/a[1].json', 'out (1)/a[1].json', true],
    ['out (1)/a[1].json', 'out (1)/a[1].json', true],
    ['out (1)', 'out (1)/a[1].json', true],
  ])('fits %s: %s', (glob, path, isIgnored) => {
    expect(ignoredBy('/project', [glob])(`/project/${path}`)).toBe(isIgnored);
  });

  it.each([
    ['lib/__pycache__/a.cpython-311.pyc', true],
    ['lib/__pycache__', true],
    ['.git/index', true],
    ['.app.py.swp', true],
    ['app.py~', true],
    ['4913', true],
    ['app.py', false],
    ['.env', false],
    ['temporary/app.py', false],
  ])('is one that no developer writes: %s', (path, isIgnored) => {
    expect(ignoredBy('/project', [])(`/project/${path}`)).toBe(isIgnored);
  });

  it('doesn’t depend on where the project is', () => {
    expect(ignoredBy('/home/.venv/project', [])('/home/.venv/project/app.py')).toBe(false);
    expect(ignoredBy('/project', ['*.txt'])('/home/node_modules/shared/app.py')).toBe(false);
    expect(ignoredBy('/project', ['*.txt'])('/home/shared/notes.txt')).toBe(true);
  });
});
