import * as z from 'zod';

/**
 * How long the start of a runner took, and what for. The steps are kept with the runner's history;
 * `GET /minifal/runners/ID/start` answers the stages between them.
 */

/** Modules that were imported for the first time. */
const importsSchema = z.object({
  /** What all of them took, and their number. */
  ms: z.int(),
  count: z.int(),
  /** The slowest top-level modules, each with all that is below it, without what those imported elsewhere. */
  modules: z.array(z.object({ name: z.string(), ms: z.int(), count: z.int() })),
});
export type Imports = z.infer<typeof importsSchema>;

/** What a runner itself reports, in this order (runner/inside/start/steps.py). */
const ownSteps = ['code', 'loaded', 'setup', 'setUp', 'called'] as const;

export const ownStepSchema = z.object({
  step: z.enum(ownSteps),
  /** Since the step before; those of `called`, since the first request began. */
  imports: importsSchema,
  /** Bytes that it wrote since the step before; known for `setup` and `setUp`. */
  written: z.int(),
  /** Packages that are installed since its code began to load; known for `setUp`. */
  installed: z.array(z.string()),
  /** `called`: what the first request took on the runner. Otherwise 0. */
  ms: z.int(),
});
export type OwnStep = z.infer<typeof ownStepSchema>;

export const startStepSchema = z.discriminatedUnion('step', [
  /** There is room for it. `startupTimeoutMs`: of platform time. */
  z.object({ step: z.literal('ordered'), at: z.number(), startupTimeoutMs: z.number() }),
  /** Its environment is there; `isBuilt`: it was built for this start. */
  z.object({ step: z.literal('environment'), at: z.number(), isBuilt: z.boolean() }),
  z.object({ step: z.literal('process'), at: z.number() }),
  ownStepSchema.extend({ step: ownStepSchema.shape.step.extract(['code']), at: z.number() }),
  ownStepSchema.extend({ step: ownStepSchema.shape.step.extract(['loaded']), at: z.number() }),
  ownStepSchema.extend({ step: ownStepSchema.shape.step.extract(['setup']), at: z.number() }),
  ownStepSchema.extend({ step: ownStepSchema.shape.step.extract(['setUp']), at: z.number() }),
  z.object({ step: z.literal('ready'), at: z.number() }),
  ownStepSchema.extend({ step: ownStepSchema.shape.step.extract(['called']), at: z.number() }),
]);
export type StartStep = z.infer<typeof startStepSchema>;

/**
 * Up to `ready` without gaps, in this order. `slot`: waiting for room, or after failed starts. `environment`: found or
 * built. `process`: until the app's code begins to load. `imports`: the app's code is loaded. `server`: the SDK makes
 * its application. `setup`: `setup()`. `ready`: until the health check passes. After a while comes `firstCall`. A
 * runner that doesn't report its own steps has none of the stages from `imports` to `setup`.
 */
const stageNames = [
  ...(['slot', 'environment', 'process', 'imports', 'server', 'setup', 'ready'] as const),
  'firstCall',
] as const;
export type StageName = (typeof stageNames)[number];

const stageSchema = z.object({
  name: z.enum(stageNames),
  /** When it began, in milliseconds since the epoch. */
  at: z.number(),
  /** `null`: it has not ended. */
  ms: z.number().nullable(),
  /** The same stage of the previous start. */
  previousMs: z.number().nullable(),
  imports: importsSchema.nullable(),
});
export type Stage = z.infer<typeof stageSchema>;

/** Known causes of slow starts, each with what to do, in a sentence. */
const adviceCodes = [
  'environment_built_again',
  'imports_in_first_call',
  'setup_writes_again',
  'setup_installs',
  'near_startup_timeout',
] as const;

export const runnerStartSchema = z.object({
  id: z.string(),
  number: z.int(),
  alias: z.string(),
  /** As in its live row. */
  appName: z.string().optional(),
  /** From the decision to start it until it was ready; `null`: it isn't, or never was. */
  totalMs: z.number().nullable(),
  stages: z.array(stageSchema),
  /** The last start before it of the same app that became ready; `null`: none is known. */
  previous: z.object({ id: z.string(), number: z.int(), totalMs: z.number() }).nullable(),
  /** `savesMs`: what a start, or a first call, would take less; `null`: unknown. */
  advice: z.array(z.object({ code: z.enum(adviceCodes), text: z.string(), savesMs: z.number().nullable() })),
});
export type RunnerStart = z.infer<typeof runnerStartSchema>;
