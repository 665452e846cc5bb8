import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { check } from './check.ts';

const right = 'import fal\nclass A(fal.App):\n    machine_type = "XS"\n';
const wrong = 'import fal\nclass B(fal.App):\n    machine_type = "H100"\n';
const hint = 'import fal\nclass C(fal.App):\n    requirements = ["a"]\n';

function checked(files: { readonly [name: string]: string }, ...argv: readonly string[]) {
  const folder = testFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const code = check([folder, ...argv]);
    return { code, output: write.mock.calls.map(([text]) => text).join('') };
  } finally {
    write.mockRestore();
  }
}

it('prints each finding with its place, and exits with 1', () => {
  const { code, output } = checked({ 'a.py': right, 'b/b.py': wrong, '.venv/c.py': wrong, 'other.txt': wrong });
  expect(code).toBe(1);
  expect(output).toMatch(
    /b\/b\.py:3:20: error: There is no machine type "H100"\. Did you mean GPU-H100\? \[machine-type]/,
  );
  expect(output).toContain('2 files with apps: 1 error, 0 warnings, 0 hints');
});

it('exits with 0 if there are only hints', () => {
  expect(checked({ 'c.py': hint })).toMatchObject({ code: 0, output: expect.stringContaining('0 warnings, 1 hint') });
  expect(checked({})).toEqual({ code: 0, output: '0 files with apps: 0 errors, 0 warnings, 0 hints\n' });
});

it('prints JSON with the page and the edits of fixes', () => {
  const { code, output } = checked({ 'b.py': wrong }, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(output)).toMatchObject({
    files: 1,
    findings: [
      {
        code: 'machine-type',
        severity: 'error',
        page: 'docs/checks.md#machine-type',
        line: 3,
        column: 20,
        endLine: 3,
        endColumn: 26,
        fixes: [{ title: 'Use GPU-H100', edits: [{ from: 48, to: 54, text: '"GPU-H100"' }] }],
      },
    ],
  });
});

it('knows apps that derive from one of another file', () => {
  const base = 'import fal\nclass Base(fal.App): ...\n';
  const derived = 'import fal\nfrom base import Base\nclass D(Base):\n    machine_type = "H100"\n';
  expect(checked({ 'base.py': base, 'd.py': derived }).output).toContain('1 error,');
});

it('knows requirements of pyproject.toml', () => {
  const app = 'import fal\nclass A(fal.App):\n    def setup(self):\n        import numpy\n';
  const project = '[tool.fal.apps.a]\nref = "app.py::A"\nrequirements = ["numpy==1"]\n';
  expect(checked({ 'app.py': app }).code).toBe(1);
  expect(checked({ 'app.py': app, 'pyproject.toml': project }).code).toBe(0);
});

it('names what a public app lacks', () => {
  const { code, output } = checked({ 'a.py': right, 'pyproject.toml': '[project]\nlicense = "MIT"\n' }, '--public');
  expect(code).toBe(1);
  expect(output).toMatch(/a\.py:2:7: warning: A is private, so only your account can call it\. .* \[public-auth]/);
  expect(output).not.toContain('public-licence');
  expect(JSON.parse(checked({ 'a.py': right }, '--public', '--json').output).findings).toContainEqual(
    expect.objectContaining({
      code: 'public-licence',
      page: 'docs/public-apps.md#public-licence',
      severity: 'warning',
    }),
  );
});

it('says which argument is wrong', () => {
  expect(() => check(['/nowhere/at/all'])).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
  expect(() => check(['/dev/zero'])).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
  const folder = testFolder();
  execFileSync('mkfifo', [join(folder, 'pipe.py')]);
  expect(() => check([join(folder, 'pipe.py')])).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
  writeFileSync(join(folder, 'large.py'), '#'.repeat(1_000_001));
  expect(() => check([join(folder, 'large.py')])).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
  expect(() => check(['a', 'b'])).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
});
