import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { Refusal } from '../refusal.ts';

export interface ZipEntry {
  /** As given in the archive: the code that unpacks it must check it. Never a directory. */
  readonly name: string;
  readonly content: Buffer;
}

const endOfDirectory = 0x06054b50;
const directoryEntry = 0x02014b50;
const localHeader = 0x04034b50;
/** The limit for all entries of an archive together: a small archive may be a bomb. */
const maxBytes = 1024 ** 3;
/** The number of bytes that are summed or copied in one turn of the event loop. */
const turnBytes = 1024 ** 2;
const stored = 0;
const deflated = 8;

/**
 * The files of a zip archive, one after another, as Python's `zipfile` writes them (stored or deflated). Large ones are
 * unpacked outside of the event loop.
 * @throws Refusal `bad_request` for what is damaged, encrypted, zip64 or no zip archive; `too_large`
 */
export async function* readZip(zip: Buffer): AsyncGenerator<ZipEntry> {
  const end = findEnd(zip);
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  let total = 0;
  for (let n = 0; n < count; n++) {
    need(zip, at, 46);
    if (zip.readUInt32LE(at) !== directoryEntry) throw damaged();
    const [flags, method] = [zip.readUInt16LE(at + 8), zip.readUInt16LE(at + 10)];
    const check = zip.readUInt32LE(at + 16);
    const [packed, size] = [zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 24)];
    const nameLength = zip.readUInt16LE(at + 28);
    const more = zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    const start = zip.readUInt32LE(at + 42);
    need(zip, at + 46, nameLength);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    at += 46 + nameLength + more;
    if (name.endsWith('/')) continue;
    if ((flags & 1) !== 0) throw new Refusal('bad_request', 'The archive is encrypted.');
    if (packed === 0xffffffff || size === 0xffffffff)
      throw new Refusal('bad_request', 'Zip64 archives are not supported.');
    total += size;
    if (total > maxBytes) throw new Refusal('too_large', 'The archive is larger than 1 GB when unpacked.');
    const content = await unpack(zip, start, { method, packed, size });
    if (content.length !== size || (await checksumOf(content)) !== check) throw damaged();
    yield { name, content };
  }
}

async function unpack(
  zip: Buffer,
  start: number,
  { method, packed, size }: { readonly method: number; readonly packed: number; readonly size: number },
): Promise<Buffer> {
  need(zip, start, 30);
  if (zip.readUInt32LE(start) !== localHeader) throw damaged();
  const from = start + 30 + zip.readUInt16LE(start + 26) + zip.readUInt16LE(start + 28);
  need(zip, from, packed);
  const bytes = zip.subarray(from, from + packed);
  if (method === stored) return bytes;
  if (method !== deflated) throw new Refusal('bad_request', 'The archive uses a compression other than deflate.');
  return inflate(bytes, size);
}

async function inflate(packed: Buffer, size: number): Promise<Buffer> {
  const content = Buffer.allocUnsafe(size);
  let at = 0;
  try {
    const chunkSize = Math.min(Math.max(64, size + 1), turnBytes);
    for await (const chunk of createInflateRaw({ chunkSize }).end(packed) as AsyncIterable<Buffer>) {
      if (at + chunk.length > size) throw damaged();
      chunk.copy(content, at);
      at += chunk.length;
    }
  } catch {
    throw damaged();
  }
  return content.subarray(0, at);
}

async function checksumOf(content: Buffer): Promise<number> {
  let sum = 0;
  for (let at = 0; at < content.length; at += turnBytes) {
    if (at > 0) await nextTurn();
    sum = crc32(content.subarray(at, at + turnBytes), sum);
  }
  return sum;
}

/** The directory's end, before a comment of at most 64 KiB. */
function findEnd(zip: Buffer): number {
  for (let at = zip.length - 22; at >= 0 && at >= zip.length - 22 - 0xffff; at--) {
    if (zip.readUInt32LE(at) === endOfDirectory) return at;
  }
  throw new Refusal('bad_request', 'This is not a zip archive.');
}

function need(zip: Buffer, at: number, length: number): void {
  if (at + length > zip.length) throw damaged();
}

function damaged(): Refusal {
  return new Refusal('bad_request', 'The zip archive is damaged.');
}
