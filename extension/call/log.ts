import { askLogs, type LogRow } from '../target/logs.ts';
import { t } from '../words.ts';

/** The log of one request, as text: what it printed and logged, with times. */
export async function callLog(folder: string, requestId: string): Promise<string> {
  const page = await askLogs(folder, { request: requestId, limit: 1_000 });
  if (!page) return `${t('The emulator is not running, so its log cannot be read.')}\n`;
  if (page.length === 0) return `${t('This call has no log lines.')}\n`;
  return page.map(lineOf).join('');
}

/** `20:44:09.1  app.py:29  fast: a cat`. */
function lineOf({ at, level, message, place }: LogRow): string {
  const time = `${new Date(at).toLocaleTimeString('en-GB')}.${Math.floor((at % 1_000) / 100)}`;
  const name = level === 'STDOUT' || level === 'STDERR' || level === 'INFO' ? '' : `${level}  `;
  return `${time}  ${place ? `${place.file}:${place.line}  ` : ''}${name}${message.trimEnd()}\n`;
}
