import * as z from 'zod';

/**
 * How isolated each runner is. `off`: /data and /app; `disk`: also a disk of its own that is wiped when it ends;
 * `full`: also addresses of its own, and the machine's other programs are out of its reach.
 */
export const isolationModes = ['off', 'disk', 'full'] as const;
export type IsolationMode = (typeof isolationModes)[number];

const parts = ['folders', 'disk', 'writes', 'addresses', 'programs'] as const;
/**
 * A part of the isolation that this machine doesn't allow, and why, in the system's words (`writes`: the folders that
 * are read-only; `programs`: the machine's other programs are within reach).
 */
export const missingSchema = z.object({ part: z.enum(parts), why: z.string() });
export type Missing = z.infer<typeof missingSchema>;

/** The requested mode, and the parts that runners don't get: known a moment after the start. */
export const isolationSchema = z.object({ mode: z.enum(isolationModes), missing: z.array(missingSchema) });

/** Whether runners see the user's Hugging Face cache, and whether they can add to it. */
export const huggingFaceModes = ['off', 'read', 'write'] as const;
export type HuggingFaceMode = (typeof huggingFaceModes)[number];

/** What runners with a disk of their own are deliberately shown of the machine. */
export interface Shares {
  /** Absolute paths of folders or files, shown at the same path. */
  readonly folders: readonly { readonly path: string; readonly writable: boolean }[];
  /** Replaces the cache in /data by the user's own cache; absent: it isn't shared. */
  readonly huggingFace?: { readonly path: string; readonly writable: boolean };
}
