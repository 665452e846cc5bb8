import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { t, useWords } from '../../extension/words.ts';
import { pseudo, wordsOf } from '../../scripts/words.ts';
import { root } from '../support/root.ts';
import { untranslated } from './untranslated.ts';

/** Strings that stay as they are. */
const kept: readonly { readonly files: RegExp; readonly text?: RegExp; readonly why: string }[] = [
  { files: /\/workspace\/(python|syntax)\.ts$/, text: /^import /, why: 'a program' },
  { files: /\/process\/run\/leash\.ts$/, why: 'a program' },
  { files: /\/call\/programs\.ts$/, why: 'programs, in English like all code' },
  { files: /\/process\/keychain\.ts$/, why: 'sentences of the log, which stays English' },
  { files: /\/process\/run\/serve-run\.ts$/, why: 'the helper of a run knows no language; fal is English there, too' },
  { files: /\/target\/server-events\.ts$/, why: 'never shown: the connection is made again' },
  { files: /\/(log-client|feed)\.ts$/, text: /^(A page|The emulator ans|The stream)/, why: 'for the log' },
  { files: /\/logs\/html\.ts$/, why: 'markup' },
  { files: /\/inline-logs\.ts$/, text: /^none; opacity/, why: 'a style' },
  { files: /webview\/logs\/item-view\.ts$/, text: /^detail own/, why: 'names of classes' },
  { files: /\/call\/history\.ts$/, text: /^sent to the queue/, why: 'an id in files of the history' },
  { files: /\/commands\/task-provider\.ts$/, text: /^(start emulator|> minifal start)$/, why: 'a name; a command' },
  { files: /\/workspace\/interpreter(s|-texts)\.ts$/, text: /^(the setting|this folder|the Python ext)/, why: 'ids' },
  { files: /webview\/browser\//, text: /^(minifal (start|open)|… · minifal)$/, why: 'commands; names' },
  { files: /webview\/browser\/theme\.ts$/, why: 'media queries' },
  { files: /./, text: /^(Python …|fal run|run: https:.*)$/, why: 'names and addresses' },
];

const files = globSync('{extension,webview}/**/*.ts', { cwd: root }).filter(
  (file) => !/\.test\.ts$|\/testing\/|\/contributes\//.test(file),
);

describe('the extension', () => {
  it('translates every text that people read', () => {
    const left = files.flatMap((file) => untranslated(file, readFileSync(join(root, file), 'utf8')));
    const isKept = (one: string) => {
      const [, file = '', text = ''] = /^([^:]+):\d+: ([\s\S]*)$/.exec(one) ?? [];
      return kept.some((rule) => rule.files.test(file) && (rule.text?.test(text) ?? true));
    };
    expect(files.length).toBeGreaterThan(100);
    expect(left.filter((one) => !isKept(one))).toEqual([]);
  });

  it.each([
    ["window.showErrorMessage('Stop')", ['x.ts:1: Stop']],
    ["window.showErrorMessage(t('Stop'), open ? 'Go to Line' : t('No'))", ['x.ts:1: Go to Line']],
    [`item.tooltip = \`\${count} runners\`; item.id = 'Some.id'`, ['x.ts:1: … runners']],
    ["return { title: 'Send', icon: 'send', command: 'sendCall' }", ['x.ts:1: Send']],
    [
      "throw new Error('It ended early.'); throw new Problem(t('It ended.'), 'startEmulator')",
      ['x.ts:1: It ended early.'],
    ],
    [`log.info(\`the program \${x} ended early\`); x('[a] not this one'); type T = 'not this'`, []],
  ])('would not, in %s', (statement, expected) => {
    expect(untranslated('x.ts', `const f = () => { ${statement} };`)).toEqual(expected);
  });

  it('translates nothing before it knows the language', () => {
    expect(untranslated('x.ts', "const words = { stop: t('Stop') };")).toEqual(["x.ts:1: t('Stop')"]);
    expect(untranslated('x.ts', "const words = { stop: () => t('Stop') };")).toEqual([]);
  });
});

describe('a text of the code', () => {
  it('is found where `t` or `vscode.l10n.t` translates it, also in parts and in templates', () => {
    const source = `
      const a = t('Stop {0}', name);
      const b = \`$(x) \${vscode.l10n.t('two ' + "parts" + \`, three\`)}\`;
      const c = other('no'), d = 'no', e = x.t('no');`;
    expect(wordsOf('a.ts', source)).toEqual(['Stop {0}', 'two parts, three']);
  });

  it('has to be in the call', () => {
    expect(() => wordsOf('a.ts', '\nt(name)')).toThrow('a.ts:2: the text of t()');
    expect(() => wordsOf('a.ts', 't(`Stop $' + '{name}`)')).toThrow('a.ts:1: the text of t()');
  });

  it('is English without words, and takes its values in any order', () => {
    expect(t('{0} of {1} {2}', 1, 'two')).toBe('1 of two {2}');
    useWords({ '{0} of {1}': '{1}, davon {0}' });
    expect(t('{0} of {1}', 1, '{0}')).toBe('{0}, davon 1');
    expect(t('Stop')).toBe('Stop');
    useWords(undefined);
  });
});

it.each([
  ['Stop {0}', '⟦Stöp {0}~~~⟧'],
  ['$(play) Run `fal run`', '⟦$(play) Rûñ `fal run`~~~~~~~⟧'],
  ['Nothing.\n[Start Emulator](command:minifal.x)', '⟦Ñöthîñg.~~~⟧\n[⟦Stàrt Émûlàtör⟧](command:minifal.x)'],
])('in the test language, %j is %j', (text, expected) => {
  expect(pseudo(text)).toBe(expected);
});
