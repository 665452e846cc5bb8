import { type KeychainOrder, keychainOrder } from '../local/secret-file.ts';
import { tryJson } from '../local/try-json.ts';
import { UserError } from '../wire/errors.ts';

const maxBytes = 4096;

/** Reads the order to its end. The text is never shown, because it holds a key. */
export async function readKeychainOrder(input: AsyncIterable<Buffer>): Promise<KeychainOrder> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw invalidInput();
    chunks.push(chunk);
  }
  const order = keychainOrder.safeParse(tryJson(Buffer.concat(chunks).toString('utf8')));
  if (!order.success) throw invalidInput();
  return order.data;
}

function invalidInput(): UserError {
  return new UserError(
    'KEYCHAIN_ORDER_INVALID',
    'Standard input does not contain what --keychain expects.',
    'Omit --keychain: only the editor uses it.',
  );
}
