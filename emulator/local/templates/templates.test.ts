import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { machineTypes } from '../machine-types.ts';
import { defaultsOf, fill } from './fill.ts';
import { templatesFolder } from './find.ts';
import { appNameOf, objection, type Variable } from './manifest.ts';
import { readTemplates } from './read.ts';
import { writeProject } from './write.ts';

const templates = readTemplates(templatesFolder());
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('utf8');
const files = new Map([
  ['app.py', Buffer.from('one')],
  ['README.md', Buffer.from('two')],
]);
/** Everything below a folder, the names of hidden files included. */
const below = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();

describe.each(templates.map((template) => [template.name, template] as const))('the template %s', (_name, template) => {
  it('lists exactly the files of its folder', () => {
    expect(template.files[0]).toBe('app.py');
    expect([...template.files, 'template.json'].toSorted()).toEqual(readdirSync(template.folder).toSorted());
  });

  it('has a known machine type, and values that its own variables can have', () => {
    expect(machineTypes).toContain(template.machineType);
    for (const variable of template.variables) expect(objection(variable, String(variable.default))).toBeUndefined();
  });

  it('also runs as it is: with the default values, its files stay the same', () => {
    for (const [name, bytes] of fill(template, defaultsOf(template)))
      expect(Buffer.compare(bytes, readFileSync(join(template.folder, name)))).toBe(0);
  });

  it('has the name of its app in every place', () => {
    const made = fill(template, { 'app-name': 'other-name-7' });
    expect(text(made.get('pyproject.toml'))).toMatch(/\[tool\.fal\.apps\.other-name-7(-\w+)?\]/);
    expect(text(made.get('README.md'))).toMatch(/^# other-name-7\n/);
    const own = new RegExp(`(local/|fal deploy |app_name = "|name = "|apps\\.)${template.name}\\b`);
    for (const bytes of made.values()) expect(text(bytes)).not.toMatch(own);
  });

  it('has a README whose first paragraph begins with what its manifest says, and calls in three languages', () => {
    const readme = readFileSync(join(template.folder, 'README.md'), 'utf8');
    expect(readme.split('\n\n')[1]?.replaceAll('\n', ' ')).toContain(template.shows);
    for (const language of ['sh', 'python', 'js']) expect(readme).toContain(`\n\`\`\`${language}\n`);
  });

  it('proposes a first request that needs nothing of the network', () => {
    expect(readFileSync(join(template.folder, 'app.py'), 'utf8')).not.toMatch(/examples?=.*https?:/);
  });

  it('pins its requirements', () => {
    const [, listed = ''] =
      /requirements = \[([^\]]*)\]/.exec(readFileSync(join(template.folder, 'app.py'), 'utf8')) ?? [];
    for (const [, requirement] of listed.matchAll(/"([^"]+)"/g)) expect(requirement).toMatch(/==/);
  });
});

it('the templates of a folder are read, whatever files a system keeps there', () => {
  const folder = testFolder();
  cpSync(templatesFolder(), folder, { recursive: true });
  writeFileSync(join(folder, '.DS_Store'), '');
  writeFileSync(join(folder, 'Thumbs.db'), '');
  mkdirSync(join(folder, '.idea'));
  expect(readTemplates(folder).map(({ name }) => name)).toEqual(templates.map(({ name }) => name));
});

describe('a value', () => {
  const places = [{ file: 'app.py', text: '{}' }];
  const named: Variable = { name: 'a', title: 'A', places, type: 'app-name', default: 'a' };
  const chosen: Variable = { name: 'a', title: 'A', places, type: 'choice', default: 'S', options: ['S', 'M'] };
  const image: Variable = { name: 'a', title: 'A', places, type: 'image', default: 'python:3' };
  const counted: Variable = { name: 'a', title: 'A', places, type: 'integer', default: 1, min: 1, max: 60 };

  it.each([
    [named, ['a', 'my-app-2', '7'], ['', 'A', 'my_app', '-a', 'a-', 'a--b', 'a b', 'a"b', 'é', 'a'.repeat(51)]],
    [chosen, ['S', 'M'], ['', 's', 'L', 'S,M']],
    [
      image,
      ['a', 'localhost:5000/a/b:1', `a.b/c@sha256:${'0'.repeat(64)}`],
      ['', 'a b', 'a:1:2', 'a\nRUN x', '$a', 'a"'],
    ],
    [counted, ['1', '60'], ['', '0', '61', '1.5', '-1', '1e1', ' 1', '07', '9'.repeat(20)]],
  ])('is checked by the type of its variable: %j', (variable, good, bad) => {
    for (const value of good) expect(objection(variable, value)).toBeUndefined();
    for (const value of bad) expect(objection(variable, value)).toMatch(/\.$/);
  });

  it.each([
    ['my app', 'my-app'],
    ['My_App (2)', 'my-app-2'],
    ['日本', undefined],
  ])('can be made of the name of a folder: %s', (name, expected) => {
    expect(appNameOf(name)).toBe(expected);
  });
});

describe('a new project', () => {
  it('is written into a new folder, whose parents are made', () => {
    const folder = join(testFolder(), 'a', 'b', 'new');
    writeProject(folder, files);
    expect(below(folder)).toEqual(['README.md', 'app.py']);
    expect(below(join(folder, '..'))).toEqual(['new', 'new/README.md', 'new/app.py']);
  });

  it('is written into a folder that has only hidden files', () => {
    const folder = testFolder();
    mkdirSync(join(folder, '.git'));
    writeProject(folder, files);
    expect(below(folder)).toEqual(['.git', 'README.md', 'app.py']);
  });

  it('is refused where there is a file already, which stays as it is', () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'app.py'), 'mine');
    for (const place of [folder, join(folder, 'app.py'), join(folder, 'app.py', 'below')])
      expect(() => writeProject(place, files)).toThrow(expect.objectContaining({ code: 'FOLDER_IN_USE' }));
    expect(below(folder)).toEqual(['app.py']);
    expect(readFileSync(join(folder, 'app.py'), 'utf8')).toBe('mine');
  });

  it('is refused where none can be created, with what to do', () => {
    const folder = join(testFolder(), 'x'.repeat(300));
    const refused = { code: 'FOLDER_REFUSED', message: `${folder} can't be created: its name is too long.` };
    expect(() => writeProject(folder, files)).toThrow(expect.objectContaining(refused));
  });

  it('is refused where links lead in a circle', () => {
    const folder = testFolder();
    symlinkSync('circle', join(folder, 'circle'));
    const refused = { code: 'FOLDER_REFUSED', message: expect.stringContaining('links') };
    expect(() => writeProject(join(folder, 'circle', 'new'), files)).toThrow(expect.objectContaining(refused));
  });

  it.each(['new', '.'])('is whole in %s, although Ctrl+C comes between two files', (place) => {
    const folder = testFolder();
    const program = `
      import { writeProject } from ${JSON.stringify(join(import.meta.dirname, 'write.ts'))};
      const signalled = {
        *[Symbol.iterator]() {
          yield ['app.py', Buffer.from('one')];
          process.kill(process.pid, 'SIGINT');
          yield ['README.md', Buffer.from('two')];
        },
      };
      writeProject(${JSON.stringify(join(folder, place))}, signalled);
    `;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(below(join(folder, place))).toEqual(['README.md', 'app.py']);
    expect(below(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it.each(['new', 'above/new', '.'])('that fails half way leaves nothing behind in %s', (place) => {
    const folder = testFolder();
    const tooLong = 'x'.repeat(300);
    expect(() => writeProject(join(folder, place), new Map([...files, [tooLong, Buffer.from('')]]))).toThrow(
      expect.objectContaining({ code: 'FOLDER_REFUSED' }),
    );
    expect(existsSync(folder) && below(folder)).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('in a folder of another user is refused as that', () => {
    const folder = testFolder();
    chmodSync(folder, 0o500);
    expect(() => writeProject(join(folder, 'new'), files)).toThrow(
      expect.objectContaining({ code: 'FOLDER_REFUSED', message: expect.stringContaining('no permission') }),
    );
    chmodSync(folder, 0o700);
    expect(basename(folder)).not.toBe('');
    expect(below(folder)).toEqual([]);
  });
});
