import { z } from 'zod';
import { type IsolationMode, missingSchema } from '../../wire/isolation.ts';
import type { Callable } from '../engine.ts';

/** How a runner's process comes to be: a fork of the warm supervisor, or a Python of its own. */
export const startMethods = ['fork', 'spawn'] as const;
export type StartMethod = (typeof startMethods)[number];

/** Arguments of a supervisor's process; no secrets, they can be read by `ps`. */
export interface SupervisorConfig {
  readonly extraPaths: readonly string[];
  readonly preload: boolean;
  readonly isolation: IsolationMode;
  /** For a disk of its own: what of the machine a runner is shown. */
  readonly disk: {
    /** Hidden, with all that is in it. */
    readonly dataFolder: string;
    /** Files and folders that can be read where they are. */
    readonly shown: readonly string[];
    /** Folders that can be written where they are. */
    readonly shared: readonly string[];
    /** Takes the place of /data/.cache/huggingface; not writable: what is written there is the runner's alone. */
    readonly huggingFace: { readonly path: string; readonly writable: boolean } | null;
    /** Where what programs compile for this environment outlives runners. */
    readonly compiled: string;
  };
  /** Servers of runners without addresses of their own may listen where other machines reach them. */
  readonly mayBeOutside: boolean;
  /** An empty folder on which the supervisor tries once whether namespaces work here. */
  readonly probeDir: string;
}

/** What is sent to a supervisor, one JSON object per line. */
export type Command =
  | {
      readonly op: 'start';
      readonly id: string;
      readonly startMethod: StartMethod;
      readonly mode: 'serve' | 'call';
      readonly callable: Callable;
      readonly setup?: Callable;
      readonly env: { readonly [name: string]: string };
      readonly appDir: string;
      readonly hasAppFiles: boolean;
      readonly dataDir: string;
      readonly mountPoint: string;
      /** A folder that is made for the runner's own disk. */
      readonly layerDir: string;
      /** Seen at its own path by both sides. */
      readonly exchangeDir: string;
      /** Of one file on the runner's own disk. */
      readonly mostBytes: number;
      readonly resultFile: string;
      readonly declaredPort: number;
      readonly addresses: readonly string[];
      /** What the runner's servers ask of every request (runner/inside/gate.py). */
      readonly secret: string;
    }
  | { readonly op: 'call' | 'terminate' | 'kill' | 'tell'; readonly id: string };

const id = z.string();

/** What a supervisor tells of a runner. */
export const message = z.discriminatedUnion('event', [
  /** `missing`: what it has to do without, of the parts that its mode asks for. */
  z.object({ event: z.literal('started'), id, pid: z.number().int(), missing: z.array(missingSchema) }),
  /**
   * It is in its namespaces. Its server will be at `host` and `port`; `isReported`: `listening` comes for each server,
   * whatever it is written in. `rules`, `door`: of Place.
   */
  z.object({
    event: z.literal('entered'),
    id,
    host: z.string(),
    port: z.number().int(),
    isReported: z.boolean(),
    rules: z.string(),
    door: z.string().nullable(),
  }),
  /** The server that is about to listen asks for the runner's secret. */
  z.object({ event: z.literal('gated'), id }),
  z.object({ event: z.literal('listening'), id, host: z.string(), port: z.number().int() }),
  z.object({ event: z.literal('loaded'), id }),
  /** The server of a `serve` runner has served as many requests as it was meant to, and stops. */
  z.object({ event: z.literal('done'), id }),
  /** The function of a `serve` runner is over. */
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
  }),
  /** The answer to `tell`: comes after every line that was written before it. */
  z.object({ event: z.literal('told'), id }),
  z.object({
    event: z.literal('result'),
    id,
    method: z.string(),
    raised: z.object({ traceback: z.string(), exceptionType: z.string(), exceptionMessage: z.string() }).nullable(),
  }),
  z.object({ event: z.literal('refused'), id, reason: z.string() }),
  z.object({
    event: z.literal('exited'),
    id,
    code: z.number().int().nullable(),
    signal: z.number().int().nullable(),
    error: z.string().exactOptional(),
  }),
]);

export type Message = z.infer<typeof message>;
