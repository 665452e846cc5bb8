import * as z from 'zod';
import { appFrame, type LogPage, type LogRow, logPageSchema } from '../../emulator/wire/log-lines.ts';
import { t } from '../words.ts';
import { type Address, queryOf } from './fetch-json.ts';
import { createEventReader, silenceMs } from './server-events.ts';

export type { LogPage, LogRow };
export { appFrame };

/** Filters of `GET /minifal/logs`; absent ones don't restrict. */
export interface LogFilter {
  readonly alias?: string;
  readonly runner?: string;
  readonly request?: string;
  readonly level?: 'INFO' | 'WARNING' | 'ERROR';
  readonly text?: string;
  readonly regexp?: string;
  /** `false`: without the lines of runners' web servers. */
  readonly server?: 'false';
  /** `true`: with the platform's lines about runners, whatever their level is. */
  readonly platform?: 'true';
  /** Of a stream; `true`: when more rows come than somebody can see, only the newest are reported, with `missed`. */
  readonly newest?: 'true';
}

/** The emulator refused the query; the message is a sentence for people. */
export class LogQueryRefused extends Error {}

export interface LogClient {
  /**
   * Rows that are older than `before` (the newest of them) or newer than `after` (the oldest of them); a page may have
   * fewer than `limit` although there are more: continue from `next`.
   * @throws LogQueryRefused, errors of the connection, the signal's reason
   */
  page(
    query: LogFilter & { readonly before?: number; readonly after?: number; readonly limit: number },
    signal: AbortSignal,
  ): Promise<LogPage>;
  /**
   * Reports new rows until the signal fires or the connection ends; the first report comes at once. `cursor`: continue
   * after it. Without `after`, it begins with the next row. While it is open, runners note where lines are printed.
   * @throws LogQueryRefused, errors of the connection, the signal's reason
   */
  follow(
    query: LogFilter & { readonly after?: number },
    onPage: (page: LogPage, cursor: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** A page has at most 2 MB of text; JSON's escapes can make six times of it. */
const maxPageChars = 16 * 1024 * 1024;

/** By `fetch` and streams alone: a page in a browser can use it, too. */
export function createLogClient({ address, key }: Address): LogClient {
  const open = async (path: string, signal: AbortSignal) => {
    const response = await fetch(`${address}${path}`, { headers: { authorization: `Key ${key}` }, signal });
    if (response.status !== 200 || !response.body) throw refusal(response.status, await response.text());
    return response.body.pipeThrough(new TextDecoderStream());
  };
  return {
    async page(query, signal) {
      let text = '';
      for await (const part of await open(`/minifal/logs?${queryOf({ ...query })}`, signal)) {
        text += part;
        if (text.length > maxPageChars) throw new Error('A page of the log is too long.');
      }
      return logPageSchema.parse(JSON.parse(text));
    },
    async follow(query, onPage, signal) {
      const silent = new AbortController();
      let silence = setTimeout(() => silent.abort(), silenceMs);
      try {
        const path = `/minifal/logs/follow?${queryOf({ ...query, places: 'true', limit: 500 })}`;
        const events = createEventReader();
        for await (const part of await open(path, AbortSignal.any([signal, silent.signal]))) {
          clearTimeout(silence);
          silence = setTimeout(() => silent.abort(), silenceMs);
          for (const { type, data, id } of events.read(part)) {
            if (type === 'error') throw refusal(400, data);
            const page = logPageSchema.parse(JSON.parse(data));
            onPage(type === 'newest' ? { ...page, missed: true } : page, Number(id));
          }
        }
      } finally {
        clearTimeout(silence);
      }
    },
  };
}

const issuesSchema = z.array(z.object({ loc: z.array(z.unknown()), type: z.string() }));

function refusal(status: number, text: string): Error {
  if (status !== 400 && status !== 422) return new Error(`The emulator answered with status ${status}.`);
  try {
    const { detail } = JSON.parse(text) as { readonly detail?: unknown };
    if (typeof detail === 'string') return new LogQueryRefused(detail);
    const issues = issuesSchema.safeParse(detail).data ?? [];
    if (issues.some(({ loc, type }) => type === 'custom' && loc.includes('regexp')))
      return new LogQueryRefused(t('The text between the slashes is not a regular expression.'));
  } catch {
    // The sentence below is enough.
  }
  return new LogQueryRefused(t('The emulator refused this filter.'));
}
