import * as z from 'zod';

/**
 * The answer of `GET /minifal/runners/ID/samples?from&to&step`: what a runner used, for charts. A list of instants and
 * one of values for each measure, all of the same length; `null`: it isn't known, such as the values of GPUs for a
 * runner without one. A step without a measurement is absent.
 *
 * `from`, `to`: milliseconds since the epoch; by default the 15 minutes before now. `step`: seconds, whole; by default
 * the shortest of 1, 10 and 60 that is kept for as long as `from` is ago. Seconds are kept for 15 minutes, 10 seconds
 * for a day, minutes for 7 days.
 */
export const runnerSamplesSchema = z.object({
  runnerId: z.string(),
  stepSeconds: z.int(),
  at: z.array(z.number()),
  /** 1.5 is one core and a half; on average in the step. */
  cores: z.array(z.number().nullable()),
  /** The most in the step. */
  memoryBytes: z.array(z.number()),
  /** Percent, on average of the step and of its GPUs. */
  gpuUtilization: z.array(z.number().nullable()),
  /** Of all of its GPUs; the most in the step. */
  gpuMemoryBytes: z.array(z.number().nullable()),
  /** Of all of its GPUs; on average in the step. */
  powerWatts: z.array(z.number().nullable()),
});
export type RunnerSamples = z.infer<typeof runnerSamplesSchema>;
