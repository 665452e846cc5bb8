import type { SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { parsed, text, whole } from '../../store/rows.ts';
import type { TracedRequest } from './types.ts';

const runner = z.object({ id: z.string(), number: z.number() });

/** The format on disk, for all versions of minifal. */
const stored: z.ZodType<TracedRequest> = z.object({
  number: z.number(),
  id: z.string(),
  alias: z.string(),
  appName: z.string().exactOptional(),
  kind: z.enum(['queue', 'direct', 'socket', 'function']),
  method: z.string(),
  path: z.string(),
  phase: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  submittedAt: z.number(),
  startedAt: z.number().nullable(),
  completedAt: z.number().nullable(),
  attempts: z.number(),
  runner: runner.nullable(),
  revision: z.string().nullable(),
  coldMs: z.number().nullable(),
  status: z.number().nullable(),
  error: z
    .object({ type: z.string(), message: z.string(), file: z.string().nullable(), line: z.number().nullable() })
    .nullable(),
  history: z.array(
    z.object({
      number: z.number(),
      runner,
      startedAt: z.number(),
      endedAt: z.number().nullable(),
      status: z.number().nullable(),
      because: z.string().nullable(),
    }),
  ),
});

/** Values of the column `state`. */
export const openState = 0;
export const states = { done: 1, failed: 2 } as const;

/** The numbers that one page looks at (measured: 0.3 µs each with a search). */
export const pageRange = 20_000;

/** Rows that can't be read any more are missing. */
export function decodeAll(rows: readonly { readonly [column: string]: SQLOutputValue }[]): readonly TracedRequest[] {
  return rows.flatMap((row) => whole(() => decodeRequest(row)) ?? []);
}

export function decodeRequest(row: { readonly [column: string]: SQLOutputValue }): TracedRequest {
  return parsed(stored, text(row, 'document'));
}
