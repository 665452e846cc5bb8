/**
 * 40 situations that are planted on purpose, with the cause that has to be named. The list was written before the code
 * that names causes. `kept` ones were first run when that code was finished. `like`: the situation that it is most
 * easily taken for, and that has another cause.
 */
export interface Planted {
  readonly id: number;
  readonly asked: 'request' | 'runner' | 'app';
  readonly story: string;
  readonly cause: string;
  readonly kept?: true;
  readonly like?: number;
}

export const planted: readonly Planted[] = [
  { id: 1, asked: 'request', story: 'the environment of the first runner is being built', cause: 'environment_build' },
  { id: 2, asked: 'request', story: 'the first runner has no process yet', cause: 'process_start', like: 1 },
  { id: 3, asked: 'request', story: '40 % of the image are here', cause: 'image_pull', kept: true },
  { id: 4, asked: 'request', story: 'the file of the app is being imported', cause: 'imports' },
  { id: 5, asked: 'request', story: 'setup() has run for 42 of its usual 55 s', cause: 'setup', like: 4 },
  { id: 6, asked: 'request', story: 'setup() has run for 300 s, and prints its progress', cause: 'setup', like: 7 },
  { id: 7, asked: 'request', story: 'setup() has run for 300 s, silent and without CPU', cause: 'setup_hung', like: 6 },
  { id: 8, asked: 'request', story: 'setup() is silent for 300 s on a full core', cause: 'setup', kept: true, like: 7 },
  { id: 9, asked: 'request', story: 'three starts failed, and the next one waits', cause: 'start_failures', like: 10 },
  { id: 10, asked: 'request', story: 'other apps have all places of the machine', cause: 'no_room', like: 9 },
  { id: 11, asked: 'request', story: 'two starts failed, the third runs setup()', cause: 'start_failures', like: 5 },
  { id: 12, asked: 'request', story: 'max_concurrency runners are busy', cause: 'slots_busy', like: 13 },
  { id: 13, asked: 'app', story: 'a rolling deploy waits for its first runner', cause: 'rollout', like: 12 },
  { id: 14, asked: 'request', story: 'the runner takes over the code that was saved', cause: 'reload' },
  { id: 15, asked: 'request', story: 'a saved change restarts the runner', cause: 'reload', kept: true, like: 5 },
  { id: 16, asked: 'runner', story: 'its health checks fail while a request runs', cause: 'health_failing', like: 17 },
  { id: 17, asked: 'runner', story: 'its slots are in use, and it is healthy', cause: 'busy', like: 16 },
  { id: 18, asked: 'request', story: 'max_concurrency is 0', cause: 'max_concurrency_zero', like: 12 },
  { id: 19, asked: 'request', story: 'scaling_delay is not over, and nothing runs', cause: 'scaling_delay', like: 2 },
  { id: 20, asked: 'request', story: 'one is busy, scaling_delay runs', cause: 'scaling_delay', kept: true, like: 12 },
  { id: 21, asked: 'request', story: 'the app answered 503, and the next attempt is later', cause: 'retry_delay' },
  { id: 22, asked: 'request', story: 'the supervisor has died three times', cause: 'supervisor_losses', like: 9 },
  { id: 23, asked: 'request', story: 'another app keeps the only GPU slot', cause: 'no_gpu_slot', like: 24 },
  {
    id: 24,
    asked: 'request',
    story: 'the runner with the GPU slot is ending',
    cause: 'slot_freeing',
    kept: true,
    like: 23,
  },
  { id: 25, asked: 'request', story: 'no GPU here is of the machine type (strict)', cause: 'no_gpu_of_type', like: 23 },
  { id: 26, asked: 'request', story: 'a larger runner is first in line', cause: 'behind_for_gpu_slot', kept: true },
  { id: 27, asked: 'request', story: 'the runner waits for a debugger', cause: 'debugger_waiting', like: 5 },
  { id: 28, asked: 'request', story: 'the only runner stopped at a breakpoint', cause: 'debugger_paused', like: 12 },
  {
    id: 29,
    asked: 'request',
    story: 'low priority, normal ones are ahead',
    cause: 'low_priority',
    kept: true,
    like: 12,
  },
  { id: 30, asked: 'request', story: 'it runs, and prints', cause: 'running' },
  { id: 31, asked: 'request', story: 'it was answered with 200', cause: 'answered' },
  { id: 32, asked: 'request', story: 'its start deadline passed in the queue', cause: 'start_deadline', like: 33 },
  { id: 33, asked: 'request', story: 'the app raised KeyError', cause: 'app_error', like: 32 },
  { id: 34, asked: 'request', story: 'its caller cancelled it', cause: 'cancelled', kept: true, like: 32 },
  { id: 35, asked: 'runner', story: 'it is idle, and keep_alive runs out', cause: 'keep_alive', like: 36 },
  { id: 36, asked: 'runner', story: 'it is idle, and min_concurrency keeps it', cause: 'kept', kept: true, like: 35 },
  { id: 37, asked: 'runner', story: 'it finishes its request after a deploy', cause: 'draining', like: 17 },
  { id: 38, asked: 'runner', story: 'its process ended by itself with code 1', cause: 'crashed', like: 39 },
  { id: 39, asked: 'runner', story: 'keep_alive ended it', cause: 'ended', like: 38 },
  { id: 40, asked: 'app', story: 'nobody called it, and nothing runs', cause: 'scaled_to_zero', kept: true, like: 10 },
];
