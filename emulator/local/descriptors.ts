import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { UserError } from '../wire/errors.ts';

/**
 * File descriptors: every connection, file and child process of the emulator takes some of a number that the system
 * limits. Node has raised the soft limit to the hard one before our code runs, so the value read here is final.
 */

/** Where the system reports no limit: what every Unix grants at least to a program that asked for more. */
const assumedLimit = 1024;

let known: number | undefined;

/** How many descriptors this process may have open at once. */
export function descriptorLimit(): number {
  known ??= Math.max(16, readLimit() ?? assumedLimit);
  return known;
}

/**
 * The part of the limit that external connections must not use. It is kept for the database, logs and runners (their
 * channels, pipes, health checks and the gateway's connections to them).
 */
export function descriptorReserve(limit: number = descriptorLimit()): number {
  return Math.min(1024, Math.ceil(limit / 4));
}

/**
 * Whether a connection that was just accepted is in the reserve. A new descriptor always gets the lowest free
 * number, so at least that many are in use: an exact answer without counting.
 */
export function takesReserve(socket: Socket, limit: number = descriptorLimit()): boolean {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } };
  return (handle?.fd ?? -1) >= limit - descriptorReserve(limit);
}

/**
 * Whether this failure says that this process (EMFILE) or this machine (ENFILE) has no descriptor left, in which case
 * nothing else is at fault.
 */
export function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && 'code' in error && isOutOfDescriptorsCode(error.code);
}

export function isOutOfDescriptorsCode(code: unknown): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/** @param what the failed action, the end of a sentence: `start uv` */
export function outOfDescriptors(what: string): UserError {
  return new UserError(
    'DESCRIPTORS_EXHAUSTED',
    `minifal has no file descriptors left to ${what} (this process can have ${descriptorLimit()} open).`,
    'Close programs that hold connections to it, or start it after `ulimit -n 65536`.',
  );
}

function readLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : soft === undefined ? undefined : Number(soft);
  } catch {
    return otherSystems();
  }
}

function otherSystems(): number | undefined {
  const report = process.report?.getReport() as
    | { userLimits?: { open_files?: { soft?: number | string } } }
    | undefined;
  const soft = report?.userLimits?.open_files?.soft;
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : typeof soft === 'number' ? soft : undefined;
}
