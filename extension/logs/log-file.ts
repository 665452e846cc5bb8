import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Numbers, Row } from '../../webview/host.ts';
import { logText } from './log-text.ts';

/**
 * Writes rows into a file, a page at a time. @throws errors of the disk and of the rows, the signal's reason as the
 * cause of an `AbortError`
 */
export async function writeLog(
  path: string,
  rows: AsyncIterable<readonly Row[]>,
  namesOf: (rows: readonly Row[]) => Promise<Numbers>,
  signal: AbortSignal,
): Promise<void> {
  async function* text(): AsyncGenerator<string> {
    for await (const page of rows) {
      yield logText(page, await namesOf(page));
    }
  }
  await pipeline(text, createWriteStream(path), { signal });
}
