import { describe, expect, it } from 'vitest';
import { t, useWords } from '../../extension/words.ts';
import { pseudo, wordsOf } from '../../scripts/words.ts';

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
