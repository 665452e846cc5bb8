import { expect, it } from 'vitest';
import { parseDotenv } from './dotenv.ts';
import { importPlan, skippedText } from './secret-import.ts';

const known = [
  { name: 'S3_KEY', environment: 'main', createdAt: 0 },
  { name: 'HF_TOKEN', environment: 'dev', createdAt: 0 },
];

it('a .env file becomes new and replaced secrets; what no secret can be is refused', () => {
  const text = [
    '# keys of the team',
    'HF_TOKEN=hf_abc # mine',
    'export S3_KEY="with = and # and spaces"',
    "MULTI='one",
    "two'",
    'EMPTY=',
    'FAL_KEY=id:secret',
    'my-name=x',
  ].join('\n');
  expect(importPlan(parseDotenv(text, {}).values, known)).toEqual([
    { name: 'EMPTY', value: '', becomes: 'empty' },
    { name: 'FAL_KEY', value: 'id:secret', becomes: 'refused', fault: 'platform' },
    { name: 'HF_TOKEN', value: 'hf_abc', becomes: 'new' },
    { name: 'MULTI', value: 'one\ntwo', becomes: 'new' },
    { name: 'S3_KEY', value: 'with = and # and spaces', becomes: 'replaced' },
    { name: 'my-name', value: 'x', becomes: 'refused', fault: 'name' },
  ]);
});

it.each(['', 'just words\n\n# and a comment', '\0\0\0'])('a file without assignments sets nothing: %j', (text) => {
  expect(importPlan(parseDotenv(text, {}).values, known)).toEqual([]);
});

it('a name that JavaScript objects have is a name like any other', () => {
  expect(importPlan(parseDotenv('__proto__=x\nconstructor=y', {}).values, []).map(({ name }) => name)).toContain(
    'constructor',
  );
});

it('names the lines that were skipped, by their numbers', () => {
  expect(skippedText([])).toBeUndefined();
  expect(skippedText([7])).toBe('Line 7 is skipped, because it is not NAME=value. Values are not shown.');
  expect(skippedText([1, 2, 3])).toBe(
    'Lines 1, 2, 3 are skipped, because they are not NAME=value. Values are not shown.',
  );
  expect(skippedText([1, 2, 3, 4, 5, 6, 7])).toBe(
    'Lines 1, 2, 3, 4, 5 and 2 more are skipped, because they are not NAME=value. Values are not shown.',
  );
});
