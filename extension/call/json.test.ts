import { describe, expect, it } from 'vitest';
import { exactText, tryParseExact } from './json.ts';

describe('numbers of a JSON text', () => {
  const text = '{"seed":18446744073709551615,"n":[-9007199254740993,1.5,9007199254740991],"s":"18446744073709551615"}';

  it('are kept where JavaScript would round them', () => {
    const value = tryParseExact(text);
    expect(exactText(value ?? null)).toBe(text);
    expect(value).toMatchObject({ n: [expect.any(String), 1.5, 9_007_199_254_740_991], s: '18446744073709551615' });
    expect(tryParseExact('{"seed": 18446744073709551615')).toBeUndefined();
  });

  it('are kept after a string with millions of escapes', () => {
    const text = `{"s":"${'\\n'.repeat(6_000_000)}","n":1.0}`;
    expect(exactText(tryParseExact(text) ?? null) === text).toBe(true);
  });

  it.each(['1.0', '-0', '-0.0', '1e400', '1E5', '0.1000000000000000055511151231257827', '2.50', '1e21', '123'])(
    'are kept as they are written: %s',
    (number) => {
      const text = `{"n":[${number},"${number}"]}`;
      expect(exactText(tryParseExact(text) ?? null)).toBe(text);
    },
  );
});
