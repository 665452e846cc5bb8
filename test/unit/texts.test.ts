import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/root.ts';
import { texts } from '../support/texts.ts';

const here = 'test/unit/texts.test.ts';

it('no text or script installs this program by its name from a package registry', () => {
  const commands = [
    'npx|npm (exec|create|init)|npm (i|install|add) (-g |--global )?|pnpm (dlx|add)',
    'yarn (dlx|add|global)|bunx|uvx|pipx? \\w+',
  ];
  const fetching = new RegExp(`\\b(${commands.join('|')})\\b[^\\n|]{0,60}\\bminifal\\b`);
  const found = texts
    .filter((name) => name !== here)
    .flatMap((name) => {
      const lines = readFileSync(join(root, name), 'utf8').split('\n');
      return lines.filter((line) => fetching.test(line)).map((line) => `${name}: ${line.trim()}`);
    });
  expect(texts).toContain('README.md');
  expect(found).toEqual([]);
});

it('no line of code or of a comment is longer than 120 columns', () => {
  const sources = texts.filter((name) => /\.(ts|mjs|py|sh)$/.test(name) && !/\/generated\//.test(name));
  const long = sources.flatMap((name) =>
    readFileSync(join(root, name), 'utf8')
      .split('\n')
      .flatMap((line, index) => (line.length > 120 ? [`${name}:${index + 1}`] : [])),
  );
  expect(sources.length).toBeGreaterThan(500);
  expect(long).toEqual([]);
});

it('the path in README.md is an executable program', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  expect(readme).toContain('    bin/minifal.mjs start\n');
  expect(() => accessSync(join(root, 'bin', 'minifal.mjs'), constants.X_OK)).not.toThrow();
});

it('the package cannot be published by mistake', () => {
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).private).toBe(true);
});
