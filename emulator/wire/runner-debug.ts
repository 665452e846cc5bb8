import * as z from 'zod';

/**
 * Debugging of a runner: what the editor sends and gets, and what the runner's live row has.
 *
 * `POST /minifal/debug/tools` -> `DebugTools`: how to start a debug adapter. The editor starts it with a token in
 * MINIFAL_DEBUG_TOKEN, and a path at which nothing exists in MINIFAL_DEBUG_PORT_FILE. When the adapter has written its
 * port there, `POST /minifal/runners/ID/debug` has the runner connect to it.
 */

/**
 * `waiting`: its code isn't loaded before a debugger is attached. `paused`: the debugger has stopped a thread. In these
 * two states, the platform's time limits don't count.
 */
export const runnerDebugStates = ['waiting', 'attached', 'paused'] as const;
export type RunnerDebug = (typeof runnerDebugStates)[number];

export const debugToolsSchema = z.object({
  /** Absolute: an interpreter. */
  python: z.string(),
  /** Absolute: its program, without further arguments. */
  script: z.string(),
  /** The folder that has the package debugpy. */
  debugpy: z.string(),
  /** Variables for the adapter, PYTHONPATH among them. */
  env: z.record(z.string(), z.string()),
});
export type DebugTools = z.output<typeof debugToolsSchema>;

/** `POST /minifal/runners/ID/debug`: where the adapter waits for the runner on 127.0.0.1, and its token. */
export const debugRequestSchema = z.object({
  port: z.int().min(1).max(65_535),
  token: z.string().min(16).max(200),
});

/** Answer: the runner connects. It is attached when the editor has set its breakpoints. */
const debugAnswerSchema = z.object({ outcome: z.literal('connected') });
export type DebugAnswer = z.output<typeof debugAnswerSchema>;

/** `PUT /minifal/runs/ALIAS/debug`: whether runners that start wait for a debugger. `false` releases those waiting. */
export const debugWaitSchema = z.object({ wait: z.boolean() });
