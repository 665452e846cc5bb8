import * as z from 'zod';

/**
 * A reload of an app that runs with `minifal run --watch`: what `POST /minifal/runs/ALIAS/reload` takes and answers,
 * and what the live row of the app keeps of it.
 */

const maxText = 4_000;
const text = z.string().max(maxText);

/** What the comparison of two versions of the code decided (emulator/reload/loader/). */
const verdicts = ['same', 'swap', 'restart', 'rebuild', 'registration'] as const;
/**
 * What became of a save. `swapped`: the running app has the new code; `restarted`: a new runner has it; `registered`:
 * only settings changed; `unchanged`: nothing did; `kept`: it can't be imported, and the old code serves; `failed`: a
 * runner with the new code didn't start.
 */
const reloadOutcomes = ['swapped', 'restarted', 'registered', 'unchanged', 'kept', 'failed'] as const;
export type ReloadOutcome = (typeof reloadOutcomes)[number];

const reasonSchema = z.object({
  code: z.string().max(100),
  text,
  trail: z.array(text).max(100).default([]),
  /** What would have made a restart or rebuild a swap: a sentence without its full stop. */
  remedy: text.nullish(),
});
/** Why runners can change their code, or can't. Its fields are those of the loader. */
const certificateSchema = z.record(z.string(), z.unknown());
/** A change: the path of an object (`Demo.main`), and what of it. */
const changeSchema = z.object({ path: text, what: text });

const errorSchema = z.object({
  type: z.string().max(200),
  message: text,
  /** `null`: no line of the project. */
  file: text.nullable(),
  line: z.int().nullable(),
});

export const reloadRequestSchema = z
  .object({
    /**
     * The revision that the verdict was made against: that of the last accepted answer; `null`: what the run began
     * with. Absent: the latest one.
     */
    base: z.string().max(100).nullish(),
    verdict: z.enum(verdicts).optional(),
    reason: reasonSchema.nullish(),
    changed: z.array(changeSchema).max(10_000).default([]),
    kept: z.array(text).max(10_000).default([]),
    /** The `HostedRun` that `fal run` would send, and the change for runners that swap. */
    run: z.base64().optional(),
    delta: z.base64().nullish(),
    certificate: certificateSchema.nullish(),
    cause: z.object({ file: text.nullable() }).nullish(),
    /** Since the save was noticed. */
    afterSaveMs: z.int().nonnegative().max(86_400_000).default(0),
    /** The code can't be imported. */
    error: errorSchema.nullish(),
    /** After a swap, the next request is answered by a fresh runner, too, and the answers are compared. */
    audit: z.boolean().default(false),
  })
  .refine(({ run, verdict, error }) => error || (run !== undefined && verdict !== undefined), {
    message: 'a reload has either an error, or a run and a verdict',
  });
export type ReloadRequest = z.output<typeof reloadRequestSchema>;

export const reloadAnswerSchema = z.object({
  outcome: z.enum(reloadOutcomes),
  /** Between the request and this answer. */
  ms: z.int(),
  reason: z.object({ code: z.string(), text: z.string(), remedy: z.string().nullable() }).nullable(),
  /** Those that were to change their code. */
  runners: z.array(
    z.object({
      id: z.string(),
      outcome: z.enum(['swapped', 'refused']),
      reason: z.object({ code: z.string(), text: z.string() }).nullable(),
      ms: z.int().nullable(),
      waitedMs: z.int().nullable(),
    }),
  ),
  /** Names of state that was kept although requests may have made it, and of caches that were emptied. */
  kept: z.array(z.string()),
  cleared: z.array(z.string()),
  /** For people: what happened. */
  sentence: z.string(),
  /** The revision that the next verdict is to be made against. */
  revision: z.string(),
});
export type ReloadAnswer = z.output<typeof reloadAnswerSchema>;

/**
 * How a fresh runner answered the first request after a swap. `values`: only values differ, as those of random numbers
 * do; `different`: something else does, at `places`; `failed`: it gave no answer.
 */
const auditSchema = z.object({
  outcome: z.enum(['same', 'values', 'different', 'failed']),
  sentence: z.string(),
  places: z.array(z.string()).readonly(),
});
export type ReloadAudit = z.output<typeof auditSchema>;

/** The last reload of a run (`minifal run --watch`), as its row has it. */
export const reloadSchema = z.object({
  at: z.number(),
  outcome: z.enum(reloadOutcomes),
  /** From the moment the save was noticed to the answer. */
  ms: z.number(),
  /** What happened and why, in one sentence. */
  sentence: z.string(),
  /** Absolute: the file that was saved; `null`: a restart was requested. */
  cause: z.string().nullable(),
  /** What decided, as data (`load_model <- Demo.setup`); `null`: nothing to add. */
  reason: z
    .object({ code: z.string(), text: z.string(), remedy: z.string().nullable(), trail: z.array(z.string()) })
    .nullable(),
  /** Of a save that can't be imported: the line is 1-based, `null` where no line of the project is to blame. */
  error: z
    .object({ type: z.string(), message: z.string(), file: z.string().nullable(), line: z.int().nullable() })
    .nullable(),
  /** Whether what `setup()` made is still in use. */
  setupKept: z.boolean(),
  /** Why the change equals a restart: what changed, what was compared. Values are texts, numbers and lists of texts. */
  certificate: z.record(z.string(), z.unknown()).nullable(),
  /** `null`: not audited, or not yet. */
  audit: auditSchema.nullable(),
});
export type ReloadRow = z.output<typeof reloadSchema>;

/** `PUT /minifal/runs/ALIAS/scaling`. `faithful`: as if the app were deployed. `pinned`: one runner stays. */
export const runScalingSchema = z.object({ scaling: z.enum(['pinned', 'faithful']) });
export type RunScaling = z.output<typeof runScalingSchema>['scaling'];
