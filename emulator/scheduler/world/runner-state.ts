import { type RunnerState, stateWords } from '../types.ts';

/**
 * The runner's machine (docs/platform/runners.md#states): which moves exist, and a refusal for all others.
 *
 *                      demand, failures = 0                    demand, failures > 0
 *                               |                                       |
 *                               v        delay over, another ready      v
 *                            PENDING <----------------------------- FAILURE_DELAY
 *           image not cached /      \ image cached                (CRASH_BACKOFF)
 *                           v        v
 *                  DOCKER_PULL ---> SETUP
 *                          image     | setup returned, port open, healthy
 *                                    v      assigned
 *                                  IDLE <------------> RUNNING
 *                                    |  last finished   |    \ stop, scale-down, new revision, rollout
 *             keep_alive over, stop, |                  |     v
 *             rollout, or broken     |           broken |  DRAINING
 *                                    v                  v     | last finished
 *                                TERMINATING <----------------+
 *                                    |
 *        any state --- kill, process exit, grace period over ---> TERMINATED
 */
export type StateKind = RunnerState['kind'];

export interface LegalMove {
  readonly from: StateKind | 'none';
  readonly to: StateKind;
  readonly cause: string;
}

/** The rows of the table on that page. `none`: the runner is being created. */
export const legalMoves: readonly LegalMove[] = [
  { from: 'none', to: 'pending', cause: 'demand, min_concurrency, buffer, rolling deploy, replacement, ephemeral run' },
  { from: 'none', to: 'failureDelay', cause: "the same, while the app's failure counter is above 0" },
  { from: 'failureDelay', to: 'pending', cause: 'delay over, or any runner of the app became ready' },
  { from: 'pending', to: 'dockerPull', cause: 'hardware found, image not cached' },
  { from: 'pending', to: 'setup', cause: 'hardware found, image cached' },
  { from: 'dockerPull', to: 'setup', cause: 'image there' },
  { from: 'setup', to: 'idle', cause: 'setup returned, port open, health check passes' },
  { from: 'idle', to: 'running', cause: 'request assigned' },
  { from: 'running', to: 'idle', cause: 'last request finished' },
  { from: 'idle', to: 'terminating', cause: 'keep_alive over, scale-down, stop, graceful rollout, or broken' },
  { from: 'running', to: 'draining', cause: 'stop, scale-down, new revision, graceful rollout, host maintenance' },
  { from: 'draining', to: 'terminating', cause: 'last request finished' },
  {
    from: 'running',
    to: 'terminating',
    cause: 'health check, 503, broken connection, request_timeout',
  },
  { from: 'pending', to: 'terminated', cause: 'kill; process exit' },
  { from: 'dockerPull', to: 'terminated', cause: 'kill; process exit' },
  { from: 'setup', to: 'terminated', cause: 'process exit, exception, startup_timeout; kill' },
  { from: 'idle', to: 'terminated', cause: 'kill; process exit' },
  { from: 'running', to: 'terminated', cause: 'kill; process exit' },
  { from: 'draining', to: 'terminated', cause: 'kill; process exit' },
  { from: 'terminating', to: 'terminated', cause: 'kill; process exit; grace period over' },
  { from: 'failureDelay', to: 'terminated', cause: 'kill; no longer wanted' },
];

/** States in which attempts or the progress of an image pull change without a change of state. */
const holding: ReadonlySet<StateKind> = new Set(['dockerPull', 'running', 'draining', 'terminating']);

const legal: ReadonlySet<string> = new Set(legalMoves.map((row) => `${row.from}>${row.to}`));

export type Move =
  | { readonly ok: true; readonly state: RunnerState; readonly changed: boolean }
  | { readonly ok: false; readonly from: StateKind | 'none'; readonly to: StateKind; readonly reason: string };

/**
 * Moves a runner from one state to another, or refuses as a value. `from` null: it is being created.
 * A state that holds attempts may be replaced by itself with other attempts, DOCKER_PULL by itself with more of the
 * image (`changed: false`).
 */
export function move(from: RunnerState | null, to: RunnerState): Move {
  const before = from === null ? 'none' : from.kind;
  if (before === to.kind && holding.has(to.kind)) return { ok: true, state: to, changed: false };
  if (legal.has(`${before}>${to.kind}`)) return { ok: true, state: to, changed: true };
  return { ok: false, from: before, to: to.kind, reason: `a runner does not go from ${before} to ${to.kind}` };
}

/** The state's name as the CLI prints it. */
export function stateWord(kind: StateKind): string {
  return stateWords[kind];
}

/** The state of that name. */
export function stateOfWord(word: string): StateKind {
  for (const [kind, name] of Object.entries(stateWords)) if (name === word) return kind as StateKind;
  throw new RangeError(`${word} is no runner state`);
}
