import { z } from 'zod';

/** What a request, a runner or an app waits for, does, or ended by: stable names, for programs. */
export const causes = [
  /** A reason of the scheduler (reasons.ts). */
  'retry_delay',
  'image_pull',
  'start_failures',
  'supervisor_losses',
  'max_concurrency_zero',
  'slots_busy',
  'no_room',
  'no_gpu_slot',
  'no_gpu_of_type',
  'behind_for_gpu_slot',
  /** A start: the environment is being built; its process begins; it imports the app's file; setup() runs. */
  'environment_build',
  'process_start',
  'imports',
  'setup',
  /** setup() has been silent and without CPU for much longer than usual. */
  'setup_hung',
  /** `scaling_delay` isn't over. */
  'scaling_delay',
  /** What it waits for is given back soon, by runners that are ending. */
  'slot_freeing',
  /** Requests of normal priority are before it. */
  'low_priority',
  /** The app's runners get the code that was saved. */
  'reload',
  /** The first runner of a rolling deploy has to be ready. */
  'rollout',
  /** A runner waits for its debugger, or stopped at a breakpoint. */
  'debugger_waiting',
  'debugger_paused',
  /** A request that has a runner. */
  'running',
  /** A request that ended. */
  'answered',
  'app_error',
  'platform_error',
  'start_deadline',
  'cancelled',
  /** A ready runner. */
  'busy',
  'health_failing',
  'keep_alive',
  'kept',
  /** A runner that is ending or has ended. */
  'draining',
  'terminating',
  'ended',
  'crashed',
  /** An app without requests that wait. */
  'serving',
  'scaled_to_zero',
] as const;

/** `GET /minifal/why/ID`: why something waits, or how it is. */
export const diagnosisSchema = z.object({
  subject: z.object({
    kind: z.enum(['request', 'runner', 'app']),
    id: z.string(),
    /** For people: `#38`, `runner 2`; `null`: an app, or unknown. */
    number: z.int().nullable(),
    alias: z.string(),
  }),
  cause: z.enum(causes),
  /** A sentence. */
  summary: z.string(),
  /** Sentences: what was observed. Words of the app are among them. */
  evidence: z.array(z.string()).readonly(),
  /** What would change it, a sentence with numbers; `null`: nothing but time, or nothing has to. */
  change: z.string().nullable(),
  /** What a person can do next; `null`: nothing. */
  next: z.string().nullable(),
  /** Since when, and when it ends by itself, in milliseconds since the epoch; `null`: not known, it doesn't. */
  since: z.number().nullable(),
  until: z.number().nullable(),
});
export type Diagnosis = z.infer<typeof diagnosisSchema>;
