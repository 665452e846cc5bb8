import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { UserError } from '../wire/errors.ts';

/**
 * File descriptors: every connection, file and child process of the emulator takes some of a number that the system
 * limits. Node has raised the soft limit to the hard one before our code runs, so what is read here is what there is.
 */

/** Where the system doesn't say: what every Unix grants at least to a program that asked for more. */
const cautious = 1024;

let known: number | undefined;

/** How many descriptors this process may have open at once. */
export function descriptorLimit(): number {
  known ??= Math.max(16, readLimit() ?? cautious);
  return known;
}

/**
 * The part of the limit that no connection from outside may take: the database, logs, runners (their channels, pipes,
 * health checks and the gateway's connections to them) live on it.
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
 * Whether this failure says that this process (EMFILE) or this machine (ENFILE) has no descriptor left: nobody else's
 * fault.
 */
export function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && 'code' in error && isOutOfDescriptorsCode(error.code);
}

export function isOutOfDescriptorsCode(code: unknown): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/** @param what could not be done, the end of a sentence: `start uv` */
export function outOfDescriptors(what: string): UserError {
  return new UserError(
    'DESCRIPTORS_EXHAUSTED',
    `minifal has no file descriptor left to ${what} (this process may open ${descriptorLimit()} at once).`,
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
