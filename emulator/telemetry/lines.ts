import { inferLevel } from './level.ts';
import type { Mask } from './masking/mask.ts';
import type { LogLine, Logs } from './types.ts';

/** A line as a runner wrote it, and whose it is. */
interface Written {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly requestId?: string;
  readonly endpoint?: string;
  readonly unfinished?: true;
}

/**
 * A piece of a longer line is at least so long: the runner cuts at 64 KiB, and up to three bytes before
 * (runner/shared/lines.py, MAX_LINE).
 */
const pieceBytes = 64 * 1024 - 3;
/** Fewer characters of a secret say nothing, and are the end of many a progress bar. */
const minShown = 4;
/**
 * Another thread of the request may write so many lines between two pieces; rests as short as `minShown` only follow
 * at once.
 */
const maxBetween = 100;
/** More unfinished lines than these aren't remembered: an app has hardly as many streams. */
const maxUnfinished = 1_000;

/**
 * Turns what runners write into log lines (docs/platform/runner-process.md#logs). Hides secrets that are cut in two;
 * `logs` hides the others.
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
    // The piece before ends with the mask.
    const own = rest === undefined ? text : text.slice(rest.length);
    if (Buffer.byteLength(text) < pieceBytes) return own;
    const piece = mask.unfinished(own);
    if (piece.rests.length > 0) begun.set(stream, { rests: [...piece.rests, ...open], passed: 0 });
    if (begun.size > maxUnfinished) begun.delete(begun.keys().next().value ?? '');
    return piece.text;
  }

  return (
    { runnerId, alias, revision }: { readonly runnerId: string; readonly alias: string; readonly revision: string },
    { at, stream, text, requestId, endpoint, unfinished }: Written,
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
    };
    logs.append(line);
  };
}
