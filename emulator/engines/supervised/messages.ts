import { z } from 'zod';
import { missingSchema } from '../../wire/isolation.ts';
import { exceptionSchema, linePlaceSchema } from '../../wire/log-lines.ts';
import { stackThreadSchema } from '../../wire/runner-stacks.ts';
import { ownStepSchema } from '../../wire/runner-start.ts';

/** The commands about a runner to the process that attends to it (runner/supervisor/attend.py), each a line of JSON. */
export type RunnerCommand =
  /** Whether runners are to say where their lines are printed. */
  | { readonly op: 'places'; readonly wanted: boolean }
  /** Change the app's code. `swap` counts them; `file` is in the exchange folder. */
  | {
      readonly op: 'swap';
      readonly id: string;
      readonly swap: number;
      readonly file: string;
      readonly patience: number;
    }
  /** Connect to a debug adapter on loopback. `folder` has debugpy. */
  | {
      readonly op: 'debug';
      readonly id: string;
      readonly port: number;
      readonly token: string;
      readonly folder: string;
    }
  /** No debugger comes. */
  | { readonly op: 'undebug'; readonly id: string }
  /** What is it doing? `ask` counts the questions. */
  | { readonly op: 'stacks'; readonly id: string; readonly ask: number }
  | { readonly op: 'call' | 'terminate' | 'kill' | 'flush'; readonly id: string };

const id = z.string();

/** What that process reports about a runner. */
export const message = z.discriminatedUnion('event', [
  /** `missing`: the parts of its isolation mode that it has to do without. */
  z.object({ event: z.literal('started'), id, pid: z.number().int(), missing: z.array(missingSchema) }),
  /**
   * The runner is in its namespaces. Its server will be at `host` and `port`, and that of its metrics, if it has one,
   * at `metricsPort`. `isReported`: `listening` is sent for
   * each server, in any language. `rules`, `door`: see Place.
   */
  z.object({
    event: z.literal('entered'),
    id,
    host: z.string(),
    port: z.number().int(),
    metricsPort: z.number().int(),
    isReported: z.boolean(),
    rules: z.string(),
    door: z.string().nullable(),
  }),
  /** The server that is about to listen requires the runner's secret. */
  z.object({ event: z.literal('gated'), id }),
  z.object({ event: z.literal('listening'), id, host: z.string(), port: z.number().int() }),
  z.object({ event: z.literal('loaded'), id }),
  /** The server of a `serve` runner has served its maximum number of requests, and stops. */
  z.object({ event: z.literal('done'), id }),
  /** The function of a `serve` runner has returned. */
  z.object({ event: z.literal('returned'), id }),
  z.object({ event: z.literal('failed'), id, reason: z.string() }),
  z.object({
    event: z.literal('line'),
    id,
    stream: z.enum(['stdout', 'stderr']),
    text: z.string(),
    requestId: z.string().exactOptional(),
    endpoint: z.string().exactOptional(),
    unfinished: z.literal(true).exactOptional(),
    isServer: z.literal(true).exactOptional(),
    place: linePlaceSchema.exactOptional(),
  }),
  /** An exception of the app's code (runner/inside/exceptions.py). */
  exceptionSchema.extend({
    event: z.literal('exception'),
    id,
    requestId: z.string().nullable(),
    endpoint: z.string().nullable(),
  }),
  /** How far a start is (runner/inside/start/steps.py). */
  ownStepSchema.extend({ event: z.literal('step'), id }),
  /** The answer to `flush`; it follows all lines and exceptions that were written before the question. */
  z.object({ event: z.literal('flushed'), id }),
  z.object({
    event: z.literal('result'),
    id,
    method: z.string(),
    raised: z.object({ traceback: z.string(), exceptionType: z.string(), exceptionMessage: z.string() }).nullable(),
  }),
  z.object({ event: z.literal('refused'), id, reason: z.string() }),
  /** The app's code can be changed from now on. */
  z.object({ event: z.literal('swappable'), id }),
  /** Answers to `swap`, at most one each; a late one may arrive at any time. */
  z.object({
    event: z.literal('swapped'),
    id,
    swap: z.number().int(),
    ms: z.number().int(),
    waited: z.number().int(),
    cleared: z.array(z.string()),
    kept: z.array(z.string()),
  }),
  z.object({
    event: z.literal('unswapped'),
    id,
    swap: z.number().int(),
    code: z.enum(['unsupported', 'still_running', 'refused', 'failed']),
    text: z.string(),
    remedy: z.string(),
  }),
  /** About a debugger (runner/inside/debug/debugger.py). `threads`: how many it has stopped. */
  z.object({
    event: z.literal('debug'),
    id,
    state: z.enum(['waiting', 'connecting', 'attached', 'paused', 'resumed', 'detached', 'failed']),
    text: z.string(),
    threads: z.number().int(),
  }),
  /** Answers to `stacks`, at most one each. */
  z.object({ event: z.literal('stacks'), id, ask: z.number().int(), threads: z.array(stackThreadSchema) }),
  z.object({
    event: z.literal('exited'),
    id,
    code: z.number().int().nullable(),
    signal: z.number().int().nullable(),
    error: z.string().exactOptional(),
  }),
]);

export type Message = z.infer<typeof message>;
