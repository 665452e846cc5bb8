import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readKeychainOrder } from './keychain.ts';

const wrappingKey = '0123456789abcdef'.repeat(4);

describe('the order of a keychain on standard input', () => {
  it('is read to the end', async () => {
    const text = JSON.stringify({ wrappingKey, want: 'seal' });
    const order = await readKeychainOrder(Readable.from([Buffer.from(text.slice(0, 9)), Buffer.from(text.slice(9))]));
    expect(order).toEqual({ wrappingKey, want: 'seal' });
  });

  it.each([
    '',
    '{',
    JSON.stringify({ wrappingKey }),
    JSON.stringify({ wrappingKey: `${wrappingKey}0`, want: 'open' }),
    JSON.stringify({ wrappingKey, want: 'all' }),
    JSON.stringify({ wrappingKey, want: 'open', more: 'x'.repeat(5000) }),
  ])('is refused without being shown when it is something else: %#', async (text) => {
    const error = await readKeychainOrder(Readable.from([Buffer.from(text)])).catch((caught) => caught);
    expect(error).toMatchObject({ name: 'UserError' });
    expect(`${error.message} ${error.next}`).not.toContain(wrappingKey);
  });
});
