import * as z from 'zod';

/** `GET /minifal/runners/ID/stacks`: what the threads of a runner's app are doing, the busy ones first. */

const stackFrameSchema = z.object({
  /** As the developer knows it: absolute, where the runner has it. */
  file: z.string(),
  line: z.int(),
  function: z.string(),
  /** Code of the app, and not of a library, of Python or of the SDK. */
  user: z.boolean(),
});

export const stackThreadSchema = z.object({
  name: z.string(),
  daemon: z.boolean(),
  /** It waits for work. */
  idle: z.boolean(),
  /** The request that it works on, where that is known: it is then the only one of the runner. */
  request: z.string().nullable(),
  /** The innermost first. */
  frames: z.array(stackFrameSchema),
});
export type StackThread = z.output<typeof stackThreadSchema>;

export const runnerStacksSchema = z.object({ threads: z.array(stackThreadSchema) });
export type RunnerStacks = z.output<typeof runnerStacksSchema>;
