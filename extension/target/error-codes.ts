import * as z from 'zod';

export type { UserErrorCode } from '../../emulator/wire/error-codes.ts';

/** What `minifal … --json` writes to standard error when a command fails: one line. */
const failureLine = z.object({ error: z.object({ code: z.string(), message: z.string(), next: z.string() }) });

export type Failure = z.output<typeof failureLine>['error'];

/** The failure in the output of `minifal … --json`; `undefined`: it reported none (it succeeded, or was killed). */
export function failureIn(output: string): Failure | undefined {
  for (const line of output.split('\n')) {
    if (!line.startsWith('{"error":')) continue;
    try {
      return failureLine.parse(JSON.parse(line)).error;
    } catch {
      // Not ours: an app or a tool printed it.
    }
  }
  return undefined;
}
