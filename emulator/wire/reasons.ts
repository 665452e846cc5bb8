import * as z from 'zod';

/**
 * Why a request waits, as data: every place words it to its own width, and none has to take a sentence apart. The
 * scheduler makes it (scheduler/why.ts) from the facts that its decisions use, so it can't disagree with them.
 */

/** What a request waits for, and the numbers that come with it. */
export const reasonCodes = [
  /** Pause before the next attempt (`attempt`: its number), until `until`. `evidence`: what ended the last attempt. */
  'retry_delay',
  /** `runner` is being started and has no process yet. */
  'runner_pending',
  /** The image of `runner` is being pulled: `percent` of it are here. */
  'image_pull',
  /** `runner` runs its imports and `setup()`. For these three, `evidence` is why the start before this one failed. */
  'runner_setup',
  /** The next start waits until `until`, after `failures` failed starts. `evidence`: why the last one failed. */
  'start_failures',
  /** The next start waits until `until`, because the supervisor of the environment died `losses` times. */
  'supervisor_losses',
  /** `max_concurrency` is 0. */
  'max_concurrency_zero',
  /** No runner yet. `until`: `scaling_delay` lets one start then. */
  'no_runner',
  /**
   * All slots of `runners` runners are busy (`maxConcurrency`: absent if there is no limit; `maxMultiplexing`).
   * `until`: `scaling_delay` lets another one start then. `also`: a runner was requested, and the machine has no room.
   */
  'slots_busy',
  /** `used` of `limit` runners on this machine are in use. */
  'no_room',
  /**
   * `used` of `limit` GPU slots are in use, and the runner needs `needed`. `evidence`: the kind of GPU, if machine
   * types matter.
   */
  'no_gpu_slot',
  /** Machine types matter, and no kind of GPU has as many as the runner needs. `evidence`: those that it could use. */
  'no_gpu_of_type',
  /** The same, but enough are free: other runners are before it. */
  'behind_for_gpu_slot',
  /** The app's runners exchange their code for what was saved. */
  'code_swap',
] as const;

const numberNames = [
  'attempt',
  'runner',
  'percent',
  'failures',
  'losses',
  'runners',
  'maxConcurrency',
  'maxMultiplexing',
  'used',
  'limit',
  'needed',
] as const;

/** What a person can do about it; `null`: nothing but wait. */
const reasonActions = [
  'raise_max_concurrency',
  'lower_scaling_delay',
  'free_a_runner',
  'free_a_gpu_slot',
  'choose_gpu',
  'read_start_failure',
  'read_log',
] as const;

const reasonFields = {
  code: z.enum(reasonCodes),
  numbers: z.partialRecord(z.enum(numberNames), z.number()),
  /** Since when this is so, in milliseconds since the epoch; `null`: that isn't known. */
  since: z.number().nullable(),
  /** When it ends by itself, in milliseconds since the epoch; `null`: nothing but an event ends it. */
  until: z.number().nullable(),
  /** The app's, engine's or runner's own words for the cause, on one line and without a full stop. */
  evidence: z.string().nullable(),
  action: z.enum(reasonActions).nullable(),
};

export const reasonSchema = z.object({
  ...reasonFields,
  /** A second reason that holds at the same time. */
  also: z.object(reasonFields).nullable(),
});
export type Reason = z.infer<typeof reasonSchema>;
type OneReason = Omit<Reason, 'also'>;

/** What a wording needs to know besides the reason. */
export interface Wording {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Platform seconds per second: seconds are the platform's, and marked if those aren't real ones. */
  readonly timeScale: number;
  /** Requests of the app that are dispatched earlier. */
  readonly ahead?: number;
}

/** One full sentence for the command line and the log. Views word a reason to their own width. Pure. */
export function wordReason(reason: Reason, wording: Wording): string {
  const { ahead = 0 } = wording;
  const also = reason.also ? `. ${words(reason.also, wording)}` : '';
  const behind = ahead === 0 ? '' : `; ${ahead} ${ahead === 1 ? 'request is' : 'requests are'} ahead`;
  return `${words(reason, wording)}${also}${behind}.`;
}

/** The same for a record that is read later: what is to blame, without times. Pure. */
export function wordCause(reason: Reason, wording: Wording): string {
  const { code, numbers, evidence } = reason;
  if (code === 'supervisor_losses') return `${supervisorDied(numbers.losses)}.`;
  if (code === 'start_failures') return `The last start failed${because(evidence)}.`;
  return wordReason(reason, wording);
}

function supervisorDied(losses = 0): string {
  return `The supervisor of the environment died ${losses} times without a response from the app in between`;
}

function words(reason: OneReason, wording: Wording): string {
  const { code, numbers, evidence } = reason;
  const left = `${secondsLeft(reason, wording)} ${secondUnit(wording)}`;
  const { attempt = 0, failures = 0, runners = 0, used = 0, limit = 0, needed = 1 } = numbers;
  const kind = evidence === null ? 'GPU' : evidence;
  const slotsUsed = `No GPU slot: ${used} of ${limit} ${kind} slots on this machine are in use`;
  switch (code) {
    case 'retry_delay':
      return `Attempt ${attempt} begins in ${left}${because(evidence)}`;
    case 'runner_pending':
    case 'image_pull':
    case 'runner_setup':
      return starting(reason, wording);
    case 'start_failures': {
      const starts = failures === 1 ? 'a failed start' : `${failures} failed starts`;
      return `Retrying in ${left} after ${starts}${because(evidence)}`;
    }
    case 'supervisor_losses':
      return `Retrying in ${left}. ${supervisorDied(numbers.losses)}`;
    case 'max_concurrency_zero':
      return 'No runner may be started: max_concurrency is 0';
    case 'no_runner':
      return `No runner yet${later(reason, left)}`;
    case 'slots_busy': {
      const { maxConcurrency, maxMultiplexing = 1 } = numbers;
      const most = maxConcurrency === undefined ? 'no max_concurrency' : `max_concurrency ${maxConcurrency}`;
      const busy = `All slots of ${runners} ${runners === 1 ? 'runner' : 'runners'} are busy`;
      return `${busy} (${most}, max_multiplexing ${maxMultiplexing})${later(reason, left)}`;
    }
    case 'no_room':
      return `No capacity: ${used} of ${limit} runners on this machine are in use`;
    case 'no_gpu_slot':
      return needed === 1 ? slotsUsed : `${slotsUsed}, and this runner needs ${needed}`;
    case 'no_gpu_of_type':
      return noGpuOfType(evidence ?? 'a GPU', needed);
    case 'behind_for_gpu_slot':
      return `${slotsUsed}, and other runners are ahead of this one`;
    case 'code_swap':
      return 'The runner takes over the saved code';
  }
}

/** What a machine lacks where machine types matter, without a full stop. */
export function noGpuOfType(types: string, needed: number): string {
  const count = needed === 1 ? '' : ` with ${needed} GPUs`;
  return `This machine is no ${types}${count}, and minifal runs with --gpu-mapping strict`;
}

const startStates = { runner_pending: 'PENDING', image_pull: 'DOCKER_PULL', runner_setup: 'SETUP' } as const;

function starting({ code, numbers, since, evidence }: OneReason, wording: Wording): string {
  const state = startStates[code as keyof typeof startStates];
  const { runner, percent } = numbers;
  const who = runner === undefined ? 'A runner' : `Runner ${runner}`;
  const seconds = Math.floor(((wording.now - (since ?? wording.now)) * wording.timeScale) / 1000);
  const progress = percent === undefined ? '' : ` (${percent} %)`;
  const before = evidence === null ? '' : `; the last start failed: ${evidence}`;
  return `${who} has been in ${state} for ${Math.max(0, seconds)} ${secondUnit(wording)}${progress}${before}`;
}

function because(evidence: string | null): string {
  return evidence === null ? '' : `: ${evidence}`;
}

function later({ until }: OneReason, left: string): string {
  return until === null ? '' : `; scaling_delay lets one start in ${left}`;
}

/** Instants are rounded to a real millisecond, so the last platform millisecond may be a few too many. */
function secondsLeft({ until }: OneReason, { now, timeScale }: Wording): number {
  const ms = ((until ?? now) - now) * timeScale - (timeScale - 1);
  return Math.max(0, Math.ceil(ms / 1000));
}

function secondUnit({ timeScale }: Wording): string {
  return timeScale === 1 ? 's' : `s (x${timeScale})`;
}
