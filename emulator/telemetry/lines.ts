import type { LinePlace } from '../wire/log-lines.ts';
import { inferLevel } from './level.ts';
import type { Mask } from './masking/mask.ts';
import type { LogLine, Logs } from './types.ts';

/** A line as a runner wrote it, and the app and runner it belongs to. */
interface Written {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly requestId?: string;
  readonly endpoint?: string;
  readonly unfinished?: true;
  readonly isServer?: true;
  readonly place?: LinePlace;
}

/**
 * The minimum length of a piece of a longer line: the runner cuts at 64 KiB or up to three bytes earlier
 * (runner/shared/lines.py, MAX_LINE).
 */
const pieceBytes = 64 * 1024 - 3;
/** Fewer characters of a secret reveal nothing, and many progress bars end with them. */
const minShown = 4;
/**
 * The number of lines that another thread of the request may write between two pieces; rests as short as `minShown`
 * only match in the next line.
 */
const maxBetween = 100;
/** The maximum number of unfinished lines that are remembered: an app hardly has as many streams. */
const maxUnfinished = 1_000;

/**
 * Turns what runners write into log lines (docs/platform/runner-process.md#logs). Hides secrets that are cut in two;
 * `logs` hides all others.
 */
export function createLineRecorder(logs: Pick<Logs, 'append'>, mask: Mask) {
  /** What the next piece may begin with, by runner and stream. */
  const begun = new Map<string, { readonly rests: readonly string[]; readonly passed: number }>();

  function shown(stream: string, text: string): string {
    const { rests, passed } = begun.get(stream) ?? { rests: [], passed: 0 };
    const rest = rests.find((known) => text.startsWith(known) && (passed === 0 || known.length > minShown));
    begun.delete(stream);
    const open = rest === undefined && passed < maxBetween ? rests : [];
    if (open.length > 0) begun.set(stream, { rests: open, passed: passed + 1 });
    // The previous piece ends with the mask.
    const own = rest === undefined ? text : text.slice(rest.length);
    if (Buffer.byteLength(text) < pieceBytes) return own;
    const piece = mask.unfinished(own);
    if (piece.rests.length > 0) begun.set(stream, { rests: [...piece.rests, ...open], passed: 0 });
    if (begun.size > maxUnfinished) begun.delete(begun.keys().next().value ?? '');
    return piece.text;
  }

  return (
    { runnerId, alias, revision }: { readonly runnerId: string; readonly alias: string; readonly revision: string },
    { at, stream, text, requestId, endpoint, unfinished, isServer, place }: Written,
  ): void => {
    const message = unfinished
      ? mask.unfinished(text, minShown).text
      : shown(`${runnerId} ${stream} ${requestId ?? ''}`, text);
    const line: Omit<LogLine, 'seq'> = {
      at,
      level: inferLevel(message, stream),
      source: 'USER',
      stream,
      message,
      alias,
      revision,
      runnerId,
      requestId: requestId ?? null,
      endpoint: endpoint ?? null,
      ...(unfinished ? { unfinished } : {}),
      ...(isServer ? { isServer } : {}),
      ...(place ? { place } : {}),
    };
    logs.append(line);
  };
}
