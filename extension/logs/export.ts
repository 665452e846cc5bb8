import * as vscode from 'vscode';
import type { Numbers, Row } from '../../webview/host.ts';
import { Problem } from '../problem.ts';
import { t } from '../words.ts';
import { writeLog } from './log-file.ts';

/** Writes all rows into a file that the user chooses, a page at a time. Returns whether it was written. */
export async function exportRows(
  rows: (signal: AbortSignal) => AsyncIterable<readonly Row[]>,
  namesOf: (rows: readonly Row[]) => Promise<Numbers>,
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
      try {
        await writeLog(uri.fsPath, rows(stop.signal), namesOf, stop.signal);
        return true;
      } catch (error) {
        if (stop.signal.aborted) return false;
        throw error;
      }
    },
  );
}
