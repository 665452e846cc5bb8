import { status } from '@grpc/grpc-js';
import { z } from 'zod';
import { isOutOfDescriptors, outOfDescriptors } from '../../local/descriptors.ts';
import { asDiskTrouble } from '../../local/disk-trouble.ts';
import type { Report } from '../../local/loop/contain.ts';
import { printableLines } from '../../local/printable.ts';
import { UserError } from '../../wire/errors.ts';

/**
 * An answer that is not OK. `details` is what the CLI prints, word for word (docs/platform/control-plane.md#errors).
 */
export class RpcError extends Error {
  readonly code: status;
  constructor(code: status, details: string) {
    super(details);
    this.name = 'RpcError';
    this.code = code;
  }
}

export const invalidArgument = (details: string) => new RpcError(status.INVALID_ARGUMENT, details);
export const notFound = (details: string) => new RpcError(status.NOT_FOUND, details);
export const failedPrecondition = (details: string) => new RpcError(status.FAILED_PRECONDITION, details);
export const unimplemented = (details: string) => new RpcError(status.UNIMPLEMENTED, details);

export interface RpcStatus {
  readonly code: status;
  readonly details: string;
}

/**
 * Converts any error for the wire. An error that is not meant for a caller becomes INTERNAL with one sentence and is
 * passed to `report`: no stack trace and no secret is sent. UNAVAILABLE is never sent: clients would repeat the call
 * (docs/platform/control-plane.md#channel).
 */
export function toStatus(error: unknown, report: Report): RpcStatus {
  if (error instanceof RpcError) return { code: error.code, details: fitDetails(error.message) };
  if (error instanceof z.ZodError) return { code: status.INVALID_ARGUMENT, details: fitDetails(describeIssues(error)) };
  const disk = asDiskTrouble(error);
  if (disk) {
    report(error);
    return { code: status.RESOURCE_EXHAUSTED, details: fitDetails(`${disk.message}\n${disk.next}`) };
  }
  if (isOutOfDescriptors(error)) {
    report(error);
    const { message, next } = outOfDescriptors('answer this call');
    return { code: status.RESOURCE_EXHAUSTED, details: `${message}\n${next}` };
  }
  if (error instanceof UserError) {
    return { code: status.FAILED_PRECONDITION, details: fitDetails(`${error.message}\n${error.next} (${error.code})`) };
  }
  report(error);
  return {
    code: status.INTERNAL,
    details: 'minifal failed to handle this call; see emulator.log in its data folder.',
  };
}

function describeIssues(error: z.ZodError): string {
  const issues = error.issues.map((issue) => {
    const field = issue.path.map(String).join('.');
    return field === '' || isSentence(issue.message) ? issue.message : `${field}: ${issue.message}`;
  });
  // Clients send some values twice, in an old and in a new field.
  const text = [...new Set(issues)].slice(0, 3).join('; ');
  // A person reads it as what is wrong with their app.
  if (error.issues.every(({ message }) => isSentence(message))) return text;
  return `The request is not valid: ${isSentence(text) ? text : `${text}.`}`;
}

/** The message itself names the value and what is wrong with it. */
function isSentence(text: string): boolean {
  return /[.?]$/.test(text);
}

/**
 * A process that died. The SDK recommends a bigger machine type when the details end exactly like this, including the
 * dot after the backtick (fal/api/api.py, `_handle_grpc_error`).
 */
export function processDied(sentence: string): RpcError {
  const details = sentence.endsWith(killed) ? `${sentence}.` : sentence;
  return new RpcError(status.ABORTED, details);
}

const killed = 'died with <Signals.SIGKILL: 9>.`';

/**
 * Status details are sent percent-encoded in a trailer, and grpc's C core drops calls with more than 8 KiB of those.
 */
const detailsBudgetBytes = 6 * 1024;

/** Shortens in the middle: the start says what failed, the end how (the SIGKILL advice depends on the end). */
export function fitDetails(text: string): string {
  // The CLI prints it unchanged.
  const whole = printableLines(text);
  if (encodeURI(whole).length <= detailsBudgetBytes) return whole;
  const letters = Array.from(whole);
  for (let keep = Math.min(letters.length, detailsBudgetBytes); ; keep = Math.floor(keep * 0.8)) {
    const head = letters.slice(0, Math.floor(keep / 4)).join('');
    const tail = letters.slice(letters.length - Math.ceil((keep * 3) / 4)).join('');
    const shorter = `${head}\n[…]\n${tail}`;
    if (encodeURI(shorter).length <= detailsBudgetBytes) return shorter;
  }
}
