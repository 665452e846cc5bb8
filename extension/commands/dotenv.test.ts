import { expect, it } from 'vitest';
import { parseDotenv, textOfFile } from './dotenv.ts';

/** What python-dotenv's `dotenv_values` gives for the same text, with HOME=/home/me. */
const cases: readonly (readonly [text: string, values: Record<string, string>])[] = [
  ['A=one # comment', { A: 'one' }],
  ['PASSWORD=ab#cd', { PASSWORD: 'ab#cd' }],
  ['PASSWORD=#abc', { PASSWORD: '#abc' }],
  ['URL=https://host/page?a=b&c=d#part', { URL: 'https://host/page?a=b&c=d#part' }],
  [
    String.raw`JSON="{\"type\": \"service_account\", \"key\": \"a\\nb\"}"`,
    { JSON: '{"type": "service_account", "key": "a\\nb"}' },
  ],
  [String.raw`A="tab\there" # comment`, { A: 'tab\there' }],
  [String.raw`A='it\'s \n'`, { A: String.raw`it's \n` }],
  ['KEY="-----BEGIN-----\nabc\n-----END-----"\nB=2', { KEY: '-----BEGIN-----\nabc\n-----END-----', B: '2' }],
  ['export A=1\r\nB=2\r\n\r\n# C=3\r\n', { A: '1', B: '2' }],
  ['  A = spaced value  \nB\n=3', { A: 'spaced value' }],
  ['A=`ticks`', { A: '`ticks`' }],
  ['A=1\nA=2', { A: '2' }],
  ['A=\nB=""', { A: '', B: '' }],
  ["'QUOTED'=1", { QUOTED: '1' }],
  [`HOST=db\nURL=pg://$\{HOST}:$\{PORT:-5432}/$HOST`, { HOST: 'db', URL: 'pg://db:5432/$HOST' }],
  [`A=$\{HOME}/x$\{NOT_SET}`, { A: '/home/me/x' }],
  ['A="never closed\nB=2', { B: '2' }],
  ['A="closed" and more\nB=2', { B: '2' }],
  ['EMOJI=🙂 שלום', { EMOJI: '🙂 שלום' }],
  ['just words\n\n# and a comment\nNAME', {}],
  ['__proto__=x', Object.fromEntries([['__proto__', 'x']])],
];

/** `@` begins a name to fill in. */
const dollars = (text: string) => text.replaceAll('@', `$${'{'}`);

it.each(cases)('reads %j as python-dotenv does', (text, values) => {
  expect(parseDotenv(text, { HOME: '/home/me' }).values).toEqual(new Map(Object.entries(values)));
});

it('does not take long for a file that is made to', () => {
  const [slashes, words, spaces] = ['\\'.repeat(300_000), 'B '.repeat(100_000), ' '.repeat(300_000)];
  const text = `A="${slashes}\n${words}\n${spaces}x\nC=${' #'.repeat(100_000)}`;
  expect([...parseDotenv(text, {}).values.keys()]).toEqual(['C']);
  const open = ['@', '@a:-', '@a:x', '@:']
    .flatMap((one) => [one.repeat(100_000), `${one.repeat(100_000)}}`])
    .map(dollars);
  const names = open.map((one, index) => `A${index}=${one}`);
  expect(parseDotenv(names.join('\n'), {}).values.size).toBe(8);
});

it('sets no value that makes all values together too long', () => {
  const text = dollars(`A=${'x'.repeat(10)}\n${'A=@A}@A}\n'.repeat(60)}B=2\n`);
  const { values, skipped } = parseDotenv(text, {});
  expect([values.get('A')?.length, values.get('B')]).toEqual([2_621_440, '2']);
  expect(skipped).toHaveLength(42);
});

it.each([
  ['@a}@a', '1@a'],
  ['@@a}', ''],
  ['@a:b}@a}', '@a:b}1'],
  ['@b:-}}', '}'],
  ['@b:-@a}}', '@a}'],
  ['@:-x}', 'x'],
  ['@a:@b:-x}', '@a:x'],
  ['@}.', '.'],
])('fills in %s as python-dotenv does', (value, expected) => {
  expect(parseDotenv(dollars(`a=1\nV='${value}'`), {}).values.get('V')).toBe(dollars(expected));
});

it('has the numbers of the lines that set nothing', () => {
  const text =
    '\n# comment\r\nA=1\rB\n\nC="two\nlines"\n=x\nD="closed" and more\nexport\n  E = 5 # five\njust words\n# end';
  expect(parseDotenv(text, {}).skipped).toEqual([4, 8, 9, 10, 12]);
  expect(parseDotenv('x\n'.repeat(400_000), {}).skipped).toHaveLength(400_000);
});

it('decodes files as editors write them, with a byte order mark', () => {
  expect(textOfFile(Buffer.from('\ufeffA=é'))).toBe('A=é');
  expect(textOfFile(Buffer.from('\ufeffA=é', 'utf16le'))).toBe('A=é');
  expect(textOfFile(Buffer.from('\ufeffA=é', 'utf16le').swap16())).toBe('A=é');
});
