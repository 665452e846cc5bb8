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

it('the path in README.md is an executable program', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  expect(readme).toContain('    bin/minifal.mjs start\n');
  expect(() => accessSync(join(root, 'bin', 'minifal.mjs'), constants.X_OK)).not.toThrow();
});

it('the package cannot be published by mistake', () => {
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).private).toBe(true);
});
