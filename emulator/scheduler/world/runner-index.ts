import type { AttemptRef, Instant, RunnerState } from '../types.ts';
import type { IdMap } from './id-map.ts';
import type { RunnerIndex } from './indexes.ts';
import { replaceKey } from './request-index.ts';
import { insert, type Key, remove, type Sorted } from './sorted.ts';
import type { LiveRunner } from './world.ts';

interface Marks {
  readonly all: Key | null;
  readonly free: Key | null;
  /** The hints that it announces while it is free. */
  readonly hints: readonly string[];
  readonly idleUsed: Key | null;
  readonly idleFresh: Key | null;
  readonly due: Key | null;
  readonly leaving: Key | null;
  readonly unreplaced: Key | null;
  readonly successors: Key | null;
  readonly replacements: number;
  readonly succeeding: number;
  readonly starting: Key | null;
  readonly backingOff: Key | null;
  readonly inLine: Key | null;
  readonly guestsInLine: number;
  readonly readySince: Key | null;
  readonly placed: number;
  readonly staying: number;
  readonly placedOnGpu: number;
  readonly counted: number;
  readonly serving: number;
  readonly inFlight: number;
}

const noHints: readonly string[] = [];

const absent: Marks = {
  all: null,
  free: null,
  hints: noHints,
  idleUsed: null,
  idleFresh: null,
  due: null,
  leaving: null,
  unreplaced: null,
  successors: null,
  replacements: 0,
  succeeding: 0,
  starting: null,
  backingOff: null,
  inLine: null,
  guestsInLine: 0,
  readySince: null,
  placed: 0,
  staying: 0,
  placedOnGpu: 0,
  counted: 0,
  serving: 0,
  inFlight: 0,
};

const noAttempts: readonly AttemptRef[] = [];

/** Attempts that a runner in this state holds. */
export function attemptsOf(state: RunnerState): readonly AttemptRef[] {
  return 'attempts' in state ? state.attempts : noAttempts;
}

/** IDLE or RUNNING: ready and not asked to end. */
export function isServing(state: RunnerState): boolean {
  return state.kind === 'idle' || state.kind === 'running';
}

/** Not ready yet, though its process may exist. */
export function isStarting(state: RunnerState): boolean {
  return state.kind === 'pending' || state.kind === 'dockerPull' || state.kind === 'setup';
}

/**
 * Whether the runner counts for scaling and max_concurrency (docs/platform/runners.md#scaling): DRAINING and
 * TERMINATING ones don't, FAILURE_DELAY ones do, and a replacement takes the place of the other runner only when it is
 * ready.
 */
export function isCounted(runner: LiveRunner): boolean {
  const { kind } = runner.state;
  return (
    runner.role.kind === 'member' &&
    runner.leave === null &&
    kind !== 'draining' &&
    kind !== 'terminating' &&
    kind !== 'terminated'
  );
}

/** Whether the runner takes up room on the machine: it has a process, or is about to get one. */
export function isPlaced(runner: LiveRunner | undefined): boolean {
  return runner !== undefined && runner.turn === null && runner.state.kind !== 'failureDelay';
}

/** Whether the runner ends, now or when its requests have ended. */
export function isLeaving(runner: LiveRunner | undefined): boolean {
  if (runner === undefined || !isPlaced(runner)) return false;
  return runner.state.kind === 'draining' || runner.leave !== null || isEnding(runner);
}

/** Whether the runner ends within its grace period. */
export function isEnding(runner: LiveRunner | undefined): boolean {
  return runner?.state.kind === 'terminating';
}

/** Whether the end of the runner is decided but not carried out. */
function isEndPending({ leave, state: { kind } }: LiveRunner): boolean {
  if (leave === null || kind === 'terminated') return false;
  return leave.how === 'kill' || (kind !== 'terminating' && (leave.how === 'terminateSoon' || kind !== 'draining'));
}

/** The index after one runner changed from `before` to `after`. `undefined`: the runner is new, or was removed. */
export function indexRunner(
  index: RunnerIndex,
  before: LiveRunner | undefined,
  after: LiveRunner | undefined,
): RunnerIndex {
  const was = before === undefined ? absent : marks(before);
  const is = after === undefined ? absent : marks(after);
  const id = (after ?? before)?.id ?? '';
  const put = (tree: Sorted<string>, from: Key | null, to: Key | null) => replaceKey(tree, from, to, id);
  return {
    all: put(index.all, was.all, is.all),
    free: put(index.free, was.free, is.free),
    announcing: indexHints(index.announcing, was, is, id),
    idleUsed: put(index.idleUsed, was.idleUsed, is.idleUsed),
    idleFresh: put(index.idleFresh, was.idleFresh, is.idleFresh),
    due: put(index.due, was.due, is.due),
    leaving: put(index.leaving, was.leaving, is.leaving),
    unreplaced: put(index.unreplaced, was.unreplaced, is.unreplaced),
    successors: put(index.successors, was.successors, is.successors),
    replacements: index.replacements - was.replacements + is.replacements,
    succeeding: index.succeeding - was.succeeding + is.succeeding,
    starting: put(index.starting, was.starting, is.starting),
    backingOff: put(index.backingOff, was.backingOff, is.backingOff),
    inLine: put(index.inLine, was.inLine, is.inLine),
    guestsInLine: index.guestsInLine - was.guestsInLine + is.guestsInLine,
    readySince: put(index.readySince, was.readySince, is.readySince),
    placed: index.placed - was.placed + is.placed,
    staying: index.staying - was.staying + is.staying,
    placedOnGpu: index.placedOnGpu - was.placedOnGpu + is.placedOnGpu,
    counted: index.counted - was.counted + is.counted,
    serving: index.serving - was.serving + is.serving,
    inFlight: index.inFlight - was.inFlight + is.inFlight,
  };
}

function indexHints(index: RunnerIndex['announcing'], was: Marks, is: Marks, id: string): RunnerIndex['announcing'] {
  if (was.hints === is.hints) return index;
  let trees = index;
  for (const hint of was.hints) trees = changed(trees, hint, (tree) => remove(tree, was.all ?? []));
  for (const hint of is.hints) trees = changed(trees, hint, (tree) => insert(tree, is.all ?? [], id));
  return trees;
}

type Trees = IdMap<string, Sorted<string>>;

function changed(trees: Trees, hint: string, next: (tree: Sorted<string>) => Sorted<string>): Trees {
  const tree = next(trees.get(hint) ?? null);
  return tree === null ? trees.delete(hint) : trees.set(hint, tree);
}

/** The states before IDLE, the closest one first. */
const stages: readonly string[] = ['setup', 'dockerPull', 'pending'];

function marks(runner: LiveRunner): Marks {
  const { state, serial } = runner;
  const counted = isCounted(runner);
  const serving = counted && isServing(state);
  const load = attemptsOf(state).length;
  const dueAt = dueOf(runner);
  const isMember = runner.role.kind === 'member';
  const waits = runner.turn !== null;
  const placed = isPlaced(runner);
  const isFree = serving && !runner.held && runner.swap === null && load < runner.settings.maxMultiplexing;
  const expires = serving && state.kind === 'idle' && runner.pausedAt === null;
  const { role } = runner;
  const isReplacement = role.kind === 'replacement';
  const isUnreplaced = serving && runner.replacement === 'will' && runner.substitute === null;
  return {
    all: [serial],
    free: isFree ? [serial] : null,
    hints: (isFree && runner.hints) || noHints,
    idleUsed: expires && runner.used ? [state.since, serial] : null,
    idleFresh: expires && !runner.used ? [state.since, serial] : null,
    due: dueAt === null ? null : [dueAt, serial],
    leaving: isEndPending(runner) ? [serial] : null,
    unreplaced: isUnreplaced ? [serial] : null,
    successors: isReplacement && (role.isAlone || state.kind === 'idle') ? [serial] : null,
    replacements: isReplacement ? 1 : 0,
    succeeding: counted && isStarting(state) && role.kind === 'member' && role.succeeds ? 1 : 0,
    starting: counted && isStarting(state) ? [stages.indexOf(state.kind), serial] : null,
    backingOff: counted && state.kind === 'failureDelay' ? [state.retryAt, serial] : null,
    inLine: waits && isMember ? [serial] : null,
    guestsInLine: waits && !isMember ? 1 : 0,
    readySince: serving ? [runner.readyAt ?? 0, serial] : null,
    placed: placed ? 1 : 0,
    staying: counted && placed ? 1 : 0,
    placedOnGpu: placed && runner.settings.gpuSlots > 0 ? 1 : 0,
    counted: counted ? 1 : 0,
    serving: serving ? 1 : 0,
    inFlight: serving ? load : 0,
  };
}

function earlier(a: Instant | null, b: Instant | null): Instant | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** Whether a debugger that pauses the runner suspends what its state waits for. */
function isSuspended(state: RunnerState): boolean {
  return isStarting(state) || isServing(state);
}

function dueOf(runner: LiveRunner): Instant | null {
  const { state } = runner;
  if (runner.turn !== null || (runner.pausedAt !== null && isSuspended(state))) return null;
  switch (state.kind) {
    case 'pending':
    case 'dockerPull':
    case 'setup':
      return state.deadline;
    case 'terminating':
      return state.killAt;
    case 'failureDelay':
      return state.retryAt;
    case 'idle':
    case 'running':
      return earlier(runner.nextProbeAt, runner.swap?.deadline ?? null);
    default:
      return null;
  }
}
