import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** A file of an archive: its content, or where that is on this machine. */
export interface TarEntry {
  /** POSIX, relative. */
  readonly path: string;
  /** st_mode, or the permissions alone. */
  readonly mode: number;
  readonly content: { readonly bytes: Uint8Array } | { readonly file: string };
}

const block = 512;

/**
 * A tar archive (POSIX.1-2001) of files, made while it is read. Times, owners and users are 0, so that the same files
 * make the same archive.
 */
export function tarOf(entries: readonly TarEntry[]): Readable {
  return Readable.from(generate(entries), { objectMode: false });
}

async function* generate(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  for (const { path, mode, content } of entries) {
    const size = 'bytes' in content ? content.bytes.length : (await stat(content.file)).size;
    yield* nameOf(path);
    yield header(path, mode, size, '0');
    let sent = 0;
    for await (const chunk of 'bytes' in content ? [content.bytes] : createReadStream(content.file)) {
      yield chunk;
      sent += chunk.length;
    }
    if (sent !== size) throw new Error(`${path} changed while it was sent.`);
    yield padding(size);
  }
  yield Buffer.alloc(2 * block);
}

/** An extended header for a name that the plain one has no room for. */
function nameOf(path: string): readonly Uint8Array[] {
  if (Buffer.byteLength(path) <= 100) return [];
  const record = (length: number) => `${length} path=${path}\n`;
  let length = Buffer.byteLength(record(0));
  while (Buffer.byteLength(record(length)) !== length) length = Buffer.byteLength(record(length));
  const bytes = Buffer.from(record(length));
  return [header('extended', 0o644, bytes.length, 'x'), bytes, padding(bytes.length)];
}

function header(path: string, mode: number, size: number, type: '0' | 'x'): Uint8Array {
  const head = Buffer.alloc(block);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  // A cut name is replaced by that of the extended header.
  head.set(Buffer.from(path).subarray(0, 100), 0);
  head.write(octal(mode & 0o7777, 7), 100);
  head.write(octal(0, 7), 108);
  head.write(octal(0, 7), 116);
  // From 8 GiB on, the size is binary.
  if (size < 8 ** 11) head.write(octal(size, 11), 124);
  else {
    head.writeUInt8(0x80, 124);
    head.writeBigUInt64BE(BigInt(size), 128);
  }
  head.write(octal(0, 11), 136);
  head.write(' '.repeat(8), 148);
  head.write(type, 156);
  head.write('ustar\u000000', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return head;
}

function padding(size: number): Uint8Array {
  return Buffer.alloc((block - (size % block)) % block);
}
