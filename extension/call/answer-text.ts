import { basename } from 'node:path/posix';
import type { RequestFacts } from '../target/requests.ts';
import { errorName } from '../views/error-name.ts';
import { indented } from '../views/indented.ts';
import { t } from '../words.ts';
import { tryParse } from './json.ts';

/** What is known about a call, for its first line. */
export interface CallFacts {
  /** `undefined`: no answer yet. */
  readonly status: number | undefined;
  readonly ms: number;
  /** How long it waited for the start of its runner. */
  readonly coldMs: number | null;
  /** `runner 1`. */
  readonly runner: number | null;
  /** `#42`. */
  readonly number: number | null;
  /** What the app's code raised. */
  readonly error?: RequestFacts['exception'];
  /** What happened instead of an answer, or happens now, in a few words. */
  readonly note?: string;
}

/** The platform's answer to a request that was cancelled (docs/platform/gateway.md#cancel). */
const cancelledStatus = 499;

/** `200 · 6.1 s · cold: waited 5.2 s for runner 1 · #42`, `500 · KeyError: 'style', app.py:38 · 14 ms · #43`. Pure. */
export function headLine({ status, ms, coldMs, runner, number, error, note }: CallFacts): string {
  return [
    ...(status === undefined ? [] : [status === cancelledStatus ? t('cancelled') : `${status}`]),
    ...(error ? [errorWords(error)] : []),
    ...(note === undefined ? [] : [note]),
    duration(ms),
    ...(coldMs === null ? [] : [coldText(coldMs, runner)]),
    ...(number === null ? [] : [`#${number}`]),
  ].join(' · ');
}

function coldText(ms: number, runner: number | null): string {
  return runner === null
    ? t('cold: waited {0} for a runner', duration(ms))
    : t('cold: waited {0} for runner {1}', duration(ms), runner);
}

/** The actions of the answer are in the same line: a long message would move them out of sight. */
const maxError = 32;

function errorWords({ type, message, file, line }: NonNullable<CallFacts['error']>): string {
  const sentence = (message.split('\n', 1)[0] ?? '').trim();
  const raised = `${errorName(type)}${sentence === '' ? '' : `: ${sentence}`}`;
  const short = raised.length <= maxError ? raised : `${raised.slice(0, maxError - 1).trimEnd()}…`;
  if (line === null) return short;
  return `${short}, ${file === null ? t('line {0}', line) : `${basename(file)}:${line}`}`;
}

function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

export function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_024 ** 2 ? `${(bytes / 1_024).toFixed(1)} kB` : `${(bytes / 1_024 ** 2).toFixed(1)} MB`;
}

/** An answer's body as the editor shows it. */
export interface ShownBody {
  readonly text: string;
  readonly language: 'json' | 'plaintext';
}

/** More characters than this aren't shown: the editor would take long to colour them, and nobody reads them. */
export const maxShown = 1_000_000;

/** A file larger than this isn't kept, nor JSON, which may have files in it. */
const maxFileBytes = 64 * 1024 * 1024;

const textTypes = /^text\/|[/+](?:x-)?(?:json|xml|yaml|javascript|jsonl|jsonlines|ndjson|www-form-urlencoded)\b/;

/** Collects the body of an answer as it arrives. Of a long one, the beginning is kept; of events, the end. */
export function createBody(contentType: string) {
  const type = contentType.toLowerCase();
  const isEvents = type.startsWith('text/event-stream');
  const isText = isEvents || type === '' || textTypes.test(type);
  const isJson = /[/+]json\b/.test(type);
  const decoder = decoderFor(type);
  let file: Uint8Array[] = [];
  let bytes = 0;
  let text = '';
  let left = 0;
  let line = '';
  let endsWithReturn = false;

  /** Text that has grown to this length gets no more; the rest is only counted. */
  function upTo(max: number, before: string, more: string): string {
    const fits = more.slice(0, Math.max(0, max - before.length));
    left += more.length - fits.length;
    return before + fits;
  }

  function take(more: string): void {
    if (!isEvents) {
      text = upTo(isJson ? maxFileBytes : 4 * maxShown, text, more);
      return;
    }
    // A line ends with \r, \n or both, which may come in two parts.
    const next = endsWithReturn && more.startsWith('\n') ? more.slice(1) : more;
    endsWithReturn = more.endsWith('\r');
    // Only what is new is searched for line breaks: a line may come in many parts.
    for (const [index, part] of next.split(/\r\n|\n|\r/).entries()) {
      if (index > 0) takeLine();
      line = upTo(maxShown, line, part);
    }
  }

  function takeLine(): void {
    if (line.startsWith('data:')) text += `${line.slice(5).replace(/^ /, '')}\n`;
    line = '';
    if (text.length <= maxShown) return;
    const later = text.indexOf('\n', text.length - maxShown / 2) + 1;
    // The last event is kept, even if it is long.
    const cut = later < text.length ? later : text.lastIndexOf('\n', text.length - 2) + 1;
    left += cut;
    text = text.slice(cut);
  }

  return {
    isEvents,
    /** Its parts make sense before it ends. JSON is shown when it is complete. */
    isLive: isEvents || (isText && type !== '' && !isJson),
    add(chunk: Uint8Array): void {
      bytes += chunk.length;
      if (isText) take(decoder.decode(chunk, { stream: true }));
      else if (bytes <= maxFileBytes) file.push(chunk);
      else file = [];
    },
    /** Nothing more arrives: an app may end without the line break of its last event. */
    end(): void {
      if (isText) take(decoder.decode());
      if (isEvents && line !== '') takeLine();
    },
    /** What has arrived so far. */
    shown(): ShownBody {
      if (!isText) return { text: `${contentType}, ${size(bytes)}\n`, language: 'plaintext' };
      if (isEvents) {
        const head = left > 0 ? `… ${t('the first {0} of these events are not shown', size(left))}\n` : '';
        return { text: head + text, language: 'plaintext' };
      }
      const short = text.length > maxShown && left === 0 ? withoutFiles(text) : text;
      if (short.length > maxShown) return cut(text, bytes);
      if (tryParse(short) === undefined) return { text: short, language: 'plaintext' };
      const pretty = indented(short, maxShown);
      return pretty === undefined ? { text: short, language: 'plaintext' } : { text: `${pretty}\n`, language: 'json' };
    },
    /** The whole body if it isn't text; `undefined` otherwise, or if it was too large to keep. */
    file: () => (isText || bytes > maxFileBytes ? undefined : { contentType, bytes: Buffer.concat(file) }),
    /** The whole body if it is JSON; `undefined` otherwise, or if it was too large to keep. */
    value: () => (left > 0 || isEvents || !isText ? undefined : tryParse(text)),
  };
}

/** Of a longer string, nobody reads the rest. */
const maxString = 10_000;

/** JSON in which strings such as images in base64 are shortened, and begin with their size: they are no addresses. */
function withoutFiles(json: string): string {
  let shown = '';
  let from = 0;
  for (let open = json.indexOf('"'); open >= 0; ) {
    // No regular expression: one that matches a string of this length needs more stack than there is.
    let close = json.indexOf('"', open + 1);
    while (close >= 0 && isEscaped(json, close)) close = json.indexOf('"', close + 1);
    if (close < 0) break;
    if (close - open > maxString) {
      // Half an escape would be no JSON.
      const [begin = ''] = json.slice(open + 1, open + 41).split('\\', 1);
      shown += `${json.slice(from, open + 1)}(${t('{0}, not shown', size(close - open - 1))}) ${begin}…`;
      from = close;
    }
    open = json.indexOf('"', close + 1);
  }
  return shown + json.slice(from);
}

function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json[first - 1] === '\\') first--;
  return (at - first) % 2 === 1;
}

function cut(text: string, bytes: number): ShownBody {
  const note = `\n… ${t('the first {0} of {1} are shown', size(maxShown), size(bytes))}\n`;
  return { text: text.slice(0, maxShown) + note, language: 'plaintext' };
}

/** Of the charset that a content type names, as far as it is known; JSON and event streams are UTF-8. */
function decoderFor(type: string) {
  const [, charset = 'utf-8'] = /;\s*charset="?([^";\s]+)/.exec(type) ?? [];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
