import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Numbers, Row } from '../../webview/host.ts';

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
      const names = await namesOf(page);
      yield page.map((row) => `${lineOf(row, names)}\n`).join('');
    }
  }
  await pipeline(text, createWriteStream(path), { signal });
}

/** `2026-01-02T03:04:05.678Z painter runner 1 #38 app.py:38 text`. */
function lineOf({ at, alias, runnerId, requestId, place, text, details }: Row, names: Numbers): string {
  const runner = runnerId === null ? '' : (names.runners[runnerId] ?? runnerId);
  const request = requestId === null ? '' : (names.requests[requestId] ?? requestId);
  const parts = [
    new Date(at).toISOString(),
    alias,
    runner === '' ? '' : typeof runner === 'number' ? `runner ${runner}` : runner,
    typeof request === 'number' ? `#${request}` : request,
    place?.label ?? '',
    text,
  ];
  const more = details.map(
    (detail) => `\n    ${detail.text.trimEnd()}${detail.place ? `  ${detail.place.label}` : ''}`,
  );
  return parts.filter((part) => part !== '').join(' ') + more.join('');
}
