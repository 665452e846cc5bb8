import * as z from 'zod';

/**
 * What became of a save. `swapped`: the running app has the new code; `restarted`: a new runner has it; `registered`:
 * only settings changed; `unchanged`: nothing did; `kept`: it can't be imported, and the old code serves; `failed`: a
 * runner with the new code didn't start.
 */
export const reloadOutcomes = ['swapped', 'restarted', 'registered', 'unchanged', 'kept', 'failed'] as const;

/** The last reload of a run (`minifal run --watch`), as its row has it. */
export const reloadSchema = z.object({
  at: z.number(),
  outcome: z.enum(reloadOutcomes),
  /** From the import of the save to the answer. */
  ms: z.number(),
  /** What happened and why, in one sentence. */
  sentence: z.string(),
  /** Absolute: the file that was saved; `null`: a restart was requested. */
  cause: z.string().nullable(),
  /** What decided, as data (`load_model <- Demo.setup`); `null`: nothing to add. */
  reason: z.object({ code: z.string(), text: z.string(), trail: z.array(z.string()) }).nullable(),
  /** Of a save that can't be imported: the line is 1-based, `null` where no line of the project is to blame. */
  error: z
    .object({ type: z.string(), message: z.string(), file: z.string().nullable(), line: z.int().nullable() })
    .nullable(),
  /** Whether what `setup()` made is still in use. */
  setupKept: z.boolean(),
  /** Why the change equals a restart: what changed, what was compared. Values are texts, numbers and lists of texts. */
  certificate: z.record(z.string(), z.unknown()).nullable(),
});
