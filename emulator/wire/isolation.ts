import * as z from 'zod';

/**
 * How much of a world of its own each runner gets. `off`: /data and /app; `disk`: also a disk that is wiped at its end;
 * `full`: also addresses of its own.
 */
export const isolationModes = ['off', 'disk', 'full'] as const;
export type IsolationMode = (typeof isolationModes)[number];

/**
 * A part of that world which this machine doesn't let runners have, and why, in the system's words (`writes`: the
 * folders that can only be read).
 */
export const missingSchema = z.object({ part: z.enum(['folders', 'disk', 'writes', 'addresses']), why: z.string() });
export type Missing = z.infer<typeof missingSchema>;

/** What was asked for, and what runners don't get of it: known once the first one has started. */
export const isolationSchema = z.object({ mode: z.enum(isolationModes), missing: z.array(missingSchema) });
export type Isolation = z.infer<typeof isolationSchema>;
