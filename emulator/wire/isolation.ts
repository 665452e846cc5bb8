import * as z from 'zod';

/**
 * How much of a world of its own each runner gets. `off`: /data and /app; `disk`: also a disk that is wiped at its end;
 * `full`: also addresses of its own, and the machine's other programs are out of its reach.
 */
export const isolationModes = ['off', 'disk', 'full'] as const;
export type IsolationMode = (typeof isolationModes)[number];

const parts = ['folders', 'disk', 'writes', 'addresses', 'programs'] as const;
/**
 * A part of that world which this machine doesn't let runners have, and why, in the system's words (`writes`: the
 * folders that can only be read; `programs`: the machine's other ones aren't out of reach).
 */
export const missingSchema = z.object({ part: z.enum(parts), why: z.string() });
export type Missing = z.infer<typeof missingSchema>;

/** What was asked for, and what runners don't get of it: known a moment after the start. */
export const isolationSchema = z.object({ mode: z.enum(isolationModes), missing: z.array(missingSchema) });

/** Whether runners see the person's Hugging Face cache, and whether they add to it. */
export const huggingFaceModes = ['off', 'read', 'write'] as const;
export type HuggingFaceMode = (typeof huggingFaceModes)[number];

/** What of the machine runners with a disk of their own are shown on purpose. */
export interface Shares {
  /** Absolute paths of folders or files, seen where they are. */
  readonly folders: readonly { readonly path: string; readonly writable: boolean }[];
  /** The person's cache takes the place of the one in /data; absent: it isn't shared. */
  readonly huggingFace?: { readonly path: string; readonly writable: boolean };
}
