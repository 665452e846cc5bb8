import { execFileSync } from 'node:child_process';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createMask } from './mask.ts';
import { spellingsOf } from './spellings.ts';

const values = [
  `canary-"it's"/ü&\\$(x)\`<y>`,
  "it's-a-canary-\u200b\u00a0\u2028",
  'canary "😀" in\ttabs',
  'plain_canary-value.1~',
];
const shown = (text: string, value: string) => createMask(() => [value])(text);

/** Prints its argument in many ways, one per line, each between bars. */
const python = `
import base64, html, json, shlex, sys, urllib.parse
value = sys.argv[1]
for text in [
    json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(json.dumps({"a": value})),
    json.dumps(json.dumps({"a": value}, ensure_ascii=False), ensure_ascii=False),
    repr(value), repr([value]), repr({"a": json.dumps(value)}), repr(f"it's {value}"), repr(f'"{value}"'),
    repr(repr(value)), ascii(value), repr(value.encode()), repr(KeyError(value)), json.dumps(repr(value)),
    shlex.quote(value), shlex.join(["curl", "-H", "X: " + value]),
    urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value),
    urllib.parse.quote(urllib.parse.quote(value, safe=""), safe=""),
    urllib.parse.quote(value, safe="!#$%&'()*+,/:;=?@[]~"),
    html.escape(value), html.escape(value, quote=False),
    *(base64.b64encode(user + value.encode() + b":more").decode() for user in (b"", b"a", b"ab", b"abc")),
    base64.urlsafe_b64encode(value.encode()).decode(),
]:
    print("|" + text + "|")
`;

/** The same with a shell that traces its commands. */
const bash = `printf '|%q|\\n' "$1"; declare -p 1 2>/dev/null; v=$1; declare -p v; echo "|\${v@Q}|"; set -x; : "$v"`;

/** Long enough to be recognized, and spelled the same everywhere. */
const marks = ['canary', Buffer.from('canary').toString('base64').slice(0, 6)];

describe('a value', () => {
  it.each(values)('is hidden as Python prints it: %j', (value) => {
    const printed = execFileSync('python3', ['-X', 'utf8', '-c', python, value], { encoding: 'utf8' });
    const left = shown(printed, value)
      .split('\n')
      .filter((line) => marks.some((mark) => line.includes(mark)));
    expect(left).toEqual([]);
    expect(shown(printed, value).match(/\*{8}/g)?.length).toBeGreaterThanOrEqual(25);
  });

  it.each(values.flatMap((value) => ['C', 'C.UTF-8'].map((language) => [value, language])))(
    'is hidden as a shell prints it: %j in %s',
    (value = '', language) => {
      const printed = execFileSync('bash', ['-c', `exec 2>&1; ${bash}`, 'bash', value], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: language },
      });
      expect(printed.split('\n').length).toBeGreaterThan(3);
      expect(shown(printed, value)).not.toContain('canary');
    },
  );

  it.each(values)('is hidden as JavaScript prints it: %j', (value) => {
    const printed = [
      JSON.stringify(value),
      JSON.stringify(JSON.stringify([value])),
      encodeURIComponent(value),
      encodeURI(value),
      new URL(`http://me:${encodeURIComponent(value)}@h/?${new URLSearchParams({ value })}`).href,
      inspect([value]),
    ];
    expect(printed.filter((text) => shown(text, value).includes('canary'))).toEqual([]);
  });

  it('without special characters has few spellings', () => {
    // Itself and base64, for each position in a group of three bytes and with both alphabets.
    expect(spellingsOf('plain_canary-value.1').size).toBeLessThanOrEqual(7);
  });
});
