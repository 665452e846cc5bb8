import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import * as vscode from 'vscode';
import type { Row } from '../../webview/host.ts';
import { Problem } from '../problem.ts';
import { t } from '../words.ts';
import type { Names } from './names.ts';

/** Writes all rows into a file that the user chooses, a page at a time. Returns whether it was written. */
export async function exportRows(
  rows: (signal: AbortSignal) => AsyncIterable<readonly Row[]>,
  namesOf: (rows: readonly Row[]) => Promise<Names>,
): Promise<boolean> {
  const uri = await vscode.window.showSaveDialog({
    filters: { [t('Log')]: ['log', 'txt'] },
    saveLabel: t('Export'),
  });
  if (!uri) return false;
  if (uri.scheme !== 'file') throw new Problem(t('The log can be exported only into a file of this machine.'));
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress(
    { location, title: t('Exporting the log'), cancellable: true },
    async (_, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => stop.abort());
      const file = createWriteStream(uri.fsPath);
      try {
        for await (const page of rows(stop.signal)) {
          const names = await namesOf(page);
          const text = page.map((row) => `${lineOf(row, names)}\n`).join('');
          if (!file.write(text)) await once(file, 'drain', { signal: stop.signal });
        }
        file.end();
        await once(file, 'close');
        return true;
      } catch (error) {
        file.destroy();
        if (stop.signal.aborted) return false;
        throw error;
      }
    },
  );
}

/** `2026-01-02T03:04:05.678Z painter runner 1 #38 app.py:38 text`. */
function lineOf({ at, alias, runnerId, requestId, place, text, details }: Row, names: Names): string {
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
