import { appendFileSync, renameSync, statSync, truncateSync } from 'node:fs';
import { printableJson } from '../local/printable.ts';

/** The emulator's own log (never an app's): one JSON object per line. */
export interface OwnLog {
  info(room: string, msg: string, fields?: { readonly [name: string]: string | number }): void;
  /** A bug in minifal: logged with its stack. A repeated one is logged at its 1st, 10th, 100th … occurrence. */
  report(error: unknown): void;
}

const maxBytes = 5 * 1024 * 1024;
/** Lines that could not be written are tried again with the next line; no more than this many are kept. */
const maxUnwritten = 100;
/** The maximum number of different bugs that are distinguished. */
const maxSeen = 100;

/**
 * Appends to `file`; above 5 MiB, the file is moved to `<file>.1` and replaces the previous one. Lines are written at
 * once, so that the last messages before a crash are in the file. `mask` hides keys and secrets. A full disk never
 * stops the emulator.
 */
export function createOwnLog(file: string, clock: () => number, mask: (text: string) => string): OwnLog {
  let bytes = sizeOf(file);
  let unwritten: string[] = [];
  const seen = new Map<string, number>();

  function write(record: object): void {
    unwritten = [...unwritten.slice(1 - maxUnwritten), `${lineOf(record)}\n`];
    const lines = unwritten.join('');
    try {
      if (bytes + lines.length > maxBytes) {
        renameSync(file, `${file}.1`);
        bytes = 0;
      }
      appendFileSync(file, lines, { mode: 0o600 });
      bytes += Buffer.byteLength(lines);
      unwritten = [];
    } catch {
      truncatePartialLine();
    }
  }

  /** A log that throws would break the code that reports to it. */
  function lineOf(record: object): string {
    const at = new Date(clock()).toISOString();
    try {
      return mask(printableJson({ at, ...record }));
    } catch {
      return JSON.stringify({ at, level: 'error', msg: 'A line could not be masked, so it is not shown.' });
    }
  }

  /** A full disk may have stored a part of a line. */
  function truncatePartialLine(): void {
    try {
      if (sizeOf(file) > bytes) truncateSync(file, bytes);
    } catch {
      // That failed too: continue.
    }
  }

  return {
    info: (room, msg, fields = {}) => write({ level: 'info', room, msg, ...fields }),
    report(error) {
      const { msg, stack } = factsOf(error);
      const bug = stack ?? msg;
      const times = (seen.get(bug) ?? 0) + 1;
      if (seen.size >= maxSeen) seen.clear();
      seen.set(bug, times);
      if (/^10*$/.test(String(times))) write({ level: 'error', msg, stack, ...(times > 1 ? { times } : {}) });
    },
  };
}

/** Any value can be thrown, and reading its message may throw, too. */
function factsOf(error: unknown): { readonly msg: string; readonly stack: string | undefined } {
  try {
    if (error instanceof Error) return { msg: String(error.message), stack: error.stack && String(error.stack) };
    return { msg: String(error), stack: undefined };
  } catch {
    return { msg: 'An error without a message was thrown.', stack: undefined };
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
