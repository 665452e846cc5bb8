import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../../../store/testing/folder.ts';
import { publicFacts } from './public-facts.ts';

function facts(files: { readonly [name: string]: string }, file = 'src/app.py') {
  const folder = testFolder();
  for (const [name, text] of Object.entries({ 'src/app.py': '', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return publicFacts(join(folder, file));
}

const project = '[project]\nname = "a"\n[tool.fal.apps.a]\nref = "./src/app.py::A"\nauth = "shared"\n';

it('the mode is that of the entry of this class, or of this file', () => {
  expect(facts({ 'pyproject.toml': project }).auth('A')).toBe('shared');
  expect(facts({ 'pyproject.toml': project }).auth('B')).toBeUndefined();
  expect(facts({ 'pyproject.toml': project.replace('::A', '') }).auth('B')).toBe('shared');
});

it('a licence is a file of the project or an entry of pyproject.toml', () => {
  expect(facts({ 'pyproject.toml': project }).hasLicence).toBe(false);
  expect(facts({ 'pyproject.toml': project, LICENSE: '' }).hasLicence).toBe(true);
  expect(facts({ 'pyproject.toml': project, 'licence.md': '' }).hasLicence).toBe(true);
  expect(facts({ 'pyproject.toml': project.replace('name', 'license = "MIT"\nname') }).hasLicence).toBe(true);
});

it('a picture is a file of the project', () => {
  expect(facts({ 'pyproject.toml': project, 'src/thumbnail.png': '' }).hasThumbnail).toBe(false);
  expect(facts({ 'pyproject.toml': project, 'thumbnail.webp': '' }).hasThumbnail).toBe(true);
});

it('a file that can’t be read says nothing', () => {
  const found = facts({ 'pyproject.toml': '[[[' });
  expect([found.auth('A'), found.hasLicence]).toEqual([undefined, false]);
  expect(facts({ 'pyproject.toml': '[tool]\nfal = 3\n[project]\nlicense = "MIT"\n' }).auth('A')).toBeUndefined();
});

it('modules are files of the project', () => {
  const { readModule, file } = facts({ 'pyproject.toml': project, 'src/models.py': 'x = 1\n' });
  expect(readModule('models', file)?.text).toBe('x = 1\n');
  expect(readModule('torch', file)).toBeUndefined();
});
