import type { AliasName, Instant, RequestId, RunnerId } from '../types.ts';
import { IdMap } from './id-map.ts';
import type { Key, Sorted } from './sorted.ts';

/** The indexes of a world, so that rules find their data without iterating over all apps, runners or requests. */

export interface RequestIndex {
  /** All waiting requests, in dispatch order: [class, submittedAt, seq]. */
  readonly waiting: Sorted<RequestId>;
  /** Those of them that may be dispatched now; same key. */
  readonly ready: Sorted<RequestId>;
  /** The same in the order in which they began to wait for a runner: [since, seq]. */
  readonly bySince: Sorted<RequestId>;
  /** Those of them that wait for a retry time: [availableAt, seq]. */
  readonly delayed: Sorted<RequestId>;
  /** Those of them with a start deadline: [startBy, seq]. */
  readonly deadlines: Sorted<RequestId>;
  /** Those on a runner: [start of the attempt, seq]. */
  readonly running: Sorted<RequestId>;
}

export const noRequests: RequestIndex = {
  waiting: null,
  ready: null,
  bySince: null,
  delayed: null,
  deadlines: null,
  running: null,
};

export interface RunnerIndex {
  /** All: [serial]. */
  readonly all: Sorted<RunnerId>;
  /** Those that can take a request now: [serial]. */
  readonly free: Sorted<RunnerId>;
  /** Those of them that announce a hint, by the hint: [serial]. */
  readonly announcing: IdMap<string, Sorted<RunnerId>>;
  /** IDLE ones that served a request: [since, serial]. */
  readonly idleUsed: Sorted<RunnerId>;
  /** IDLE ones that never did: [since, serial]. */
  readonly idleFresh: Sorted<RunnerId>;
  /** Those for which an instant was set (deadline, kill, probe, end of a delay): [at, serial]. */
  readonly due: Sorted<RunnerId>;
  /** Runners that end together with many others and haven't been asked to end yet (ending.ts): [serial]. */
  readonly leaving: Sorted<RunnerId>;
  /** Serving runners to be replaced that have no replacement yet: [serial]. */
  readonly unreplaced: Sorted<RunnerId>;
  /** Replacements that can take over, because they are ready or have nothing to wait for: [serial]. */
  readonly successors: Sorted<RunnerId>;
  /** All replacements. */
  readonly replacements: number;
  /** Starting runners that were replacements whose old runner had to end first. */
  readonly succeeding: number;
  /** Counted ones that aren't ready yet, the furthest first: [stage, serial]. */
  readonly starting: Sorted<RunnerId>;
  /** Counted ones in FAILURE_DELAY: [retryAt, serial]. */
  readonly backingOff: Sorted<RunnerId>;
  /** Members that wait for room on the machine: [serial]. */
  readonly inLine: Sorted<RunnerId>;
  /** Others that wait for a GPU slot. */
  readonly guestsInLine: number;
  /** Serving members, in the order in which they became ready: [readyAt, serial]. */
  readonly readySince: Sorted<RunnerId>;
  /** Runners that take up room on the machine. */
  readonly placed: number;
  /** Those of them that count. */
  readonly staying: number;
  /** Those of them that need a GPU. */
  readonly placedOnGpu: number;
  /** Runners that count for scaling and max_concurrency. */
  readonly counted: number;
  /** IDLE and RUNNING ones of them. */
  readonly serving: number;
  /** Attempts on the counted ones. */
  readonly inFlight: number;
}

export const noRunners: RunnerIndex = {
  all: null,
  free: null,
  announcing: IdMap.empty(),
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

/** Which apps could make room for another one, for shareRoom (offers.ts). */
export interface Offers {
  /** Apps with a surplus idle runner: [since, serial]. */
  readonly spare: Sorted<AliasName>;
  /** Those with an idle runner above min_concurrency: [since, serial]. */
  readonly buffered: Sorted<AliasName>;
  /** Those with a runner above min_concurrency, the ones with the most first: [-placed, serial]. */
  readonly richer: Sorted<AliasName>;
  /** Those with an idle runner: [-placed, serial]. */
  readonly resting: Sorted<AliasName>;
  /** Those with a runner that has served for long enough: [-placed, serial]. */
  readonly ripe: Sorted<AliasName>;
  /** Those with one that hasn't by `ripeUntil`: [when it will have, serial]. */
  readonly unripe: Sorted<AliasName>;
  readonly ripeUntil: Instant;
  /** The values by which apps were inserted into the trees. */
  readonly known: IdMap<AliasName, OfferMarks>;
  /** Apps that have changed since then. */
  readonly stale: IdMap<AliasName, true>;
}

/** Before any app is known. */
export const noOffers: Offers = {
  spare: null,
  buffered: null,
  richer: null,
  resting: null,
  ripe: null,
  unripe: null,
  ripeUntil: 0,
  known: IdMap.empty(),
  stale: IdMap.empty(),
};

/** What the app can offer; `null`: nothing of this kind. */
export interface OfferMarks {
  readonly spare: Key | null;
  readonly buffered: Key | null;
  readonly richer: Key | null;
  readonly resting: Key | null;
  readonly busy: Key | null;
  /** When a runner of `busy` will have served for long enough. */
  readonly ripeAt: Instant;
  readonly serial: number;
}
