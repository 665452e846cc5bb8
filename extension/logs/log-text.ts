import type { Numbers, Row } from '../../webview/host.ts';

/** Rows as lines of a text file. */
export function logText(rows: readonly Row[], names: Numbers): string {
  return rows.map((row) => `${lineOf(row, names)}\n`).join('');
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
