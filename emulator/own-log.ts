import { appendFileSync, renameSync, statSync, truncateSync } from 'node:fs';
import { printableJson } from './wire/printable.ts';

/** The emulator's own log (never an app's): one JSON object per line. */
export interface OwnLog {
  info(room: string, msg: string, fields?: { readonly [name: string]: string | number }): void;
  /** Something that is ours to mend: kept with its stack. */
  report(error: unknown): void;
}

const largestBytes = 5 * 1024 * 1024;
/** Lines that the disk did not take are tried again with the next one; more than these aren't kept. */
const mostUnwritten = 100;

/**
 * Appends to `file`; above 5 MiB the file moves to `<file>.1`, replacing the one before. Written at once, so that the last words of
 * a crash are there. `mask` hides keys and secrets. A full disk never stops the emulator.
 */
export function createOwnLog(file: string, clock: () => number, mask: (text: string) => string): OwnLog {
  let bytes = sizeOf(file);
  let unwritten: string[] = [];

  function write(record: object): void {
    unwritten = [
      ...unwritten.slice(1 - mostUnwritten),
      `${mask(printableJson({ at: new Date(clock()).toISOString(), ...record }))}\n`,
    ];
    const lines = unwritten.join('');
    try {
      if (bytes + lines.length > largestBytes) {
        renameSync(file, `${file}.1`);
        bytes = 0;
      }
      appendFileSync(file, lines, { mode: 0o600 });
      bytes += Buffer.byteLength(lines);
      unwritten = [];
    } catch {
      takeBack();
    }
  }

  /** A full disk may have taken a part of a line. */
  function takeBack(): void {
    try {
      if (sizeOf(file) > bytes) truncateSync(file, bytes);
    } catch {
      // not even that: go on
    }
  }

  return {
    info: (room, msg, fields = {}) => write({ level: 'info', room, msg, ...fields }),
    report: (error) =>
      write({
        level: 'error',
        msg: error instanceof Error ? error.message : String(error),
        stack: error instanceof Error ? error.stack : undefined,
      }),
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
