import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { addToProject } from './add.ts';
import { defaultsOf, fill } from './fill.ts';
import { templatesFolder } from './find.ts';
import { readTemplates } from './read.ts';
import { writeProject } from './write.ts';

const templates = readTemplates(templatesFolder());
const [hello] = templates;
if (!hello) throw new Error('There is no template.');
const files = fill(hello, defaultsOf(hello));
const old = '# Mine.\r\n[project]\r\nname = "mine"';

function project(text: string | Uint8Array = old): string {
  const folder = testFolder();
  writeFileSync(join(folder, 'pyproject.toml'), text);
  return folder;
}
const below = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
const textIn = (folder: string) => readFileSync(join(folder, 'pyproject.toml'), 'utf8');

describe('an app that is added to a project', () => {
  it('has its files in a folder of its own, and only a table in pyproject.toml', () => {
    const folder = project();
    chmodSync(join(folder, 'pyproject.toml'), 0o640);
    writeFileSync(join(folder, 'app.py'), 'mine');
    addToProject(folder, 'hello', files);
    const own = ['README.md', 'app.py', 'expected.json', 'request.json'].map((name) => `hello/${name}`);
    expect(below(folder)).toEqual(['app.py', 'hello', ...own, 'pyproject.toml'].toSorted());
    expect(textIn(folder)).toBe(
      `${old}\r\n\r\n[tool.fal.apps.hello]\r\nref = "hello/app.py::Hello"\r\nauth = "private"`,
    );
    expect(statSync(join(folder, 'pyproject.toml')).mode & 0o777).toBe(0o640);
  });

  it.each(templates.map((template) => [template.name, template] as const))('can be made of %s', (name, template) => {
    const folder = project();
    addToProject(folder, name, fill(template, defaultsOf(template)));
    const own = textIn(folder).slice(old.length);
    expect(own).toMatch(new RegExp(`^\\[tool\\.fal\\.apps\\.${name}(-\\w+)?\\]`, 'm'));
    for (const [, file] of own.matchAll(/^(?:ref|dockerfile) = "(.*)"/gm)) expect(file).toMatch(`${name}/`);
  });

  it('leaves a link to pyproject.toml a link', () => {
    const folder = testFolder();
    symlinkSync(join(project(), 'pyproject.toml'), join(folder, 'pyproject.toml'));
    addToProject(folder, 'hello', files);
    expect(textIn(folder)).toContain('[tool.fal.apps.hello]');
    expect(readdirSync(folder, { withFileTypes: true }).find((one) => one.isSymbolicLink())?.name).toBe(
      'pyproject.toml',
    );
  });

  it.each([
    ['[tool.fal.apps.hello]\n', 'APP_EXISTS'],
    ['[tool\n', 'PYPROJECT_UNSUITABLE'],
    [Buffer.from([0x61, 0xff]), 'PYPROJECT_UNSUITABLE'],
  ])('is refused by a project with %j, where nothing changes', (text, code) => {
    const folder = project(text);
    expect(() => addToProject(folder, 'hello', files)).toThrow(expect.objectContaining({ code }));
    expect(below(folder)).toEqual(['pyproject.toml']);
    expect(readFileSync(join(folder, 'pyproject.toml'))).toEqual(Buffer.from(text));
  });

  it('leaves pyproject.toml to those who could read it, and its owner, whatever the umask is', () => {
    const folder = project();
    const path = join(folder, 'pyproject.toml');
    chmodSync(path, 0o644);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(path, 4_242, 4_243);
    const { uid, gid } = statSync(path);
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    addToProject(folder, 'hello', files);
    const after = statSync(path);
    expect([after.mode & 0o777, after.uid, after.gid]).toEqual([0o644, uid, gid]);
    expect(isRoot ? uid : 4_242).toBe(4_242);
  });

  it.each<[string, (path: string) => void]>([
    ['a folder', (path) => mkdirSync(path)],
    ['a pipe', (path) => void spawnSync('mkfifo', [path])],
    [
      'too large',
      (path) => {
        writeFileSync(path, '');
        truncateSync(path, 3 * 1024 ** 3);
      },
    ],
  ])('is refused if pyproject.toml is %s', (_what, make) => {
    const folder = testFolder();
    make(join(folder, 'pyproject.toml'));
    expect(() => addToProject(folder, 'hello', files)).toThrow(
      expect.objectContaining({ code: 'PYPROJECT_UNSUITABLE' }),
    );
    expect(below(folder)).toEqual(['pyproject.toml']);
  });

  it.skipIf(process.getuid?.() === 0)('is refused if pyproject.toml may not be read', () => {
    const folder = project();
    chmodSync(join(folder, 'pyproject.toml'), 0);
    expect(() => addToProject(folder, 'hello', files)).toThrow(expect.objectContaining({ code: 'FOLDER_REFUSED' }));
  });

  it('never takes a folder that exists, not even an empty one', () => {
    const folder = project();
    mkdirSync(join(folder, 'hello'));
    expect(() => addToProject(folder, 'hello', files)).toThrow(expect.objectContaining({ code: 'FOLDER_IN_USE' }));
    expect(below(folder)).toEqual(['hello', 'pyproject.toml']);
    expect(textIn(folder)).toBe(old);
  });

  it('is removed again if its file fails, or pyproject.toml', () => {
    const folder = project();
    const tooLong = new Map([...files, ['x'.repeat(300), Buffer.from('')]]);
    expect(() => addToProject(folder, 'hello', tooLong)).toThrow(expect.objectContaining({ code: 'FOLDER_REFUSED' }));
    expect(below(folder)).toEqual(['pyproject.toml']);
    expect(textIn(folder)).toBe(old);
  });

  it.skipIf(process.getuid?.() === 0)('is refused if pyproject.toml is read-only', () => {
    const folder = project();
    chmodSync(join(folder, 'pyproject.toml'), 0o400);
    expect(() => addToProject(folder, 'hello', files)).toThrow(expect.objectContaining({ code: 'FOLDER_REFUSED' }));
    expect(below(folder)).toEqual(['pyproject.toml']);
  });
});

describe('what a killed process has left', () => {
  const ended = spawnSync('true').pid;

  it('is removed by the next one there, and nothing else', () => {
    const folder = testFolder();
    const [left, running, theirs] = [
      `.minifal-new-${ended}-abc123`,
      `.minifal-new-${process.pid}-abc123`,
      '.minifal-new-1',
    ];
    for (const name of [left, running, theirs]) mkdirSync(join(folder, name, 'project'), { recursive: true });
    const other = `.minifal-new-${ended}-xyz789`;
    mkdirSync(join(folder, other));
    writeFileSync(join(folder, other, 'mine'), '');
    symlinkSync(join(folder, theirs), join(folder, `.minifal-new-${ended}-link00`));
    writeProject(join(folder, 'new'), files);
    expect(readdirSync(folder).toSorted()).toEqual(
      [running, theirs, other, `.minifal-new-${ended}-link00`, 'new'].toSorted(),
    );
  });
});
