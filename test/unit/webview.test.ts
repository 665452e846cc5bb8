import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/root.ts';

const files = globSync('webview/**/*.{ts,css}', { cwd: root }).toSorted();
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

it('lets only webview/ui.ts know the component toolkit, by package and by names of tags', () => {
  const users = files.filter((file) =>
    /webview-ui-toolkit|(?<!-)vscode-(button|dropdown|option|text-field)/.test(read(file)),
  );
  expect(users).toEqual(['webview/toolkit.d.ts', 'webview/ui.ts']);
  const others = globSync('{extension,test,emulator}/**/*.ts', { cwd: root });
  const known = others.filter((file) => file !== join('test', 'unit', 'webview.test.ts'));
  expect(known.filter((file) => read(file).includes('webview-ui-toolkit'))).toEqual([]);
});

it("has the theme's colours only", () => {
  const literal = /#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|color-mix)\(|:\s*(?:white|black|red|gr[ae]y|yellow|blue)\b/i;
  const own = join('webview', 'browser', 'theme.css');
  const styles = files.filter((file) => file.endsWith('.css') && file !== own);
  expect(styles).not.toEqual([]);
  expect(styles.flatMap((file) => read(file).match(new RegExp(literal, 'gi')) ?? [])).toEqual([]);
  // The themes for browsers define the variables of VS Code, and nothing else.
  const lines = read(own)
    .split('\n')
    .map((line) => line.trim());
  const value = /^(--vscode-[\w-]+: .+;|color-scheme: .+;|:root \{|@media .+ \{|\}|\/\*.*\*\/|)$/;
  expect(lines.filter((line) => !value.test(line))).toEqual([]);
});

it('has a value for each theme variable of its styles in a browser, too', () => {
  const used = files.flatMap((file) => [...read(file).matchAll(/var\((--vscode-[\w-]+)\)/g)].map(([, name]) => name));
  const theme = read(join('webview', 'browser', 'theme.css'));
  expect([...new Set(used)].filter((name) => !theme.includes(`${name}:`))).toEqual([]);
});

it('never makes markup of text', () => {
  const pages = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const unsafe = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\b/;
  expect(pages.filter((file) => unsafe.test(read(file)))).toEqual([]);
});
