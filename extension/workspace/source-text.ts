import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** A larger file is data, not code. */
const maxBytes = 1_000_000;
/** Opening a pipe must not wait for a program that writes into it. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * The text of a file of code; `undefined`: it can't be read, is too large, or is no file. A repository may have links
 * to devices that never end, and an app names any path as that of its code.
 */
export async function sourceText(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, flags);
    return isCode(await file.stat()) ? decoded(await file.readFile()) : undefined;
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

/** The same, at once. */
export function sourceTextNow(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, flags);
    return isCode(fstatSync(file)) ? decoded(readFileSync(file)) : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function isCode(found: Stats): boolean {
  return found.isFile() && found.size <= maxBytes;
}

/** Without a byte order mark. */
function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
