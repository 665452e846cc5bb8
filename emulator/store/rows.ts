import type { SQLOutputValue } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { z } from 'zod';

type Row = { readonly [column: string]: SQLOutputValue };

/** A stored row that isn't what was written: wrong type, wrong checksum. The reader drops the row and reports it. */
export class DamagedRow extends Error {}

/** Checksum of the fields of a row. SQLite has no checksums of its own, and a flipped bit must not pass as data. */
export function checksum(text: string, bytes?: Uint8Array): number {
  return bytes ? crc32(bytes, crc32(text)) : crc32(text);
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new DamagedRow(`${column} is not a text`);
  return value;
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new DamagedRow(`${column} is not a number`);
  return value;
}

export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new DamagedRow(`${column} is not a blob`);
  return value;
}

/** A document whose checksum is correct; one of another shape counts as damaged. */
export function parsed<T>(shape: z.ZodType<T>, document: string): T {
  const result = shape.safeParse(jsonOf(document));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new DamagedRow(`${issue?.path.join('.')}: ${issue?.message}`);
}

/** `undefined` for a damaged row. */
export function whole<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DamagedRow) return undefined;
    throw error;
  }
}

/**
 * Parses the text.
 * @throws DamagedRow when it is not JSON
 */
export function jsonOf(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    throw new DamagedRow('it is not JSON');
  }
}
