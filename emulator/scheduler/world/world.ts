import type {
  AliasName,
  AttemptId,
  Instant,
  RequestId,
  RequestInfo,
  Retried,
  RevisionId,
  RevisionSettings,
  Runner,
  RunnerId,
  ScaleSettings,
  StopReason,
} from '../types.ts';
import { type Hinted, nothingHinted } from './hinted.ts';
import { IdMap } from './id-map.ts';
import { noOffers, noRequests, noRunners, type Offers, type RequestIndex, type RunnerIndex } from './indexes.ts';
import type { Key, Sorted } from './sorted.ts';

/**
 * Everything the scheduler knows, as one persistent value: a step shares what it doesn't change with its input.
 * Finished requests and ended runners are not in it. Only turn.ts changes it.
 */
export interface World {
  readonly seed: string;
  readonly limits: Limits;
  /** The emulator stops: nothing begins any more. */
  readonly isClosing: boolean;
  /** Ids made so far. */
  readonly counter: number;
  /** Requests that ever arrived: ties of equal `submittedAt` go by arrival. */
  readonly arrivals: number;
  /** Apps that there ever were. */
  readonly appsMade: number;
  readonly apps: IdMap<AliasName, App>;
  /** Those of them that time alone changes: [wakeAt, serial]. */
  readonly wakeups: Sorted<AliasName>;
  readonly runners: IdMap<RunnerId, LiveRunner>;
  /** Runners that take up room on the machine. */
  readonly placed: number;
  /** Those of them that are on their way out. */
  readonly leaving: number;
  /** Those of them whose grace period runs: their room is free soon. What drains may take long. */
  readonly ending: number;
  /** Apps that have one that needs a GPU: [serial]. */
  readonly gpuHolders: Sorted<AliasName>;
  readonly offers: Offers;
  /**
   * Runners that wait for room, the next one first: their `turn`. Those that need a GPU slot have a line of their own.
   */
  readonly line: Sorted<RunnerId>;
  readonly gpu: GpuSlots;
  readonly requests: IdMap<RequestId, LiveRequest>;
}

/** The machine's GPU slots; without a limit none are counted. */
export interface GpuSlots {
  /** Slots that runners hold. */
  readonly used: number;
  /** Those of runners that are on their way out, and those whose runner's grace period runs. */
  readonly leaving: number;
  readonly ending: number;
  /** Runners that wait for slots, or have them only to wait for room: their `turn`. */
  readonly line: Sorted<RunnerId>;
}

/** What the machine sets, not an app. */
export interface Limits {
  /** How long a runner may be without a process: its environment may have to be built first. */
  readonly pendingSeconds: number;
  /** How many runners the machine has room for (capacity.ts); infinite: no limit. */
  readonly runners: number;
  /** How many GPU slots the machine has (room.ts); infinite: no limit. */
  readonly gpuSlots: number;
}

export const defaultLimits: Limits = {
  pendingSeconds: 3600,
  runners: Number.POSITIVE_INFINITY,
  gpuSlots: Number.POSITIVE_INFINITY,
};

/** What an alias points to. */
export interface Release {
  readonly revision: RevisionId;
  readonly settings: RevisionSettings;
}

/**
 * A rolling deploy under way: its one runner must become ready before the alias moves. Detached: the alias has moved,
 * the runner is an ordinary one of it by now.
 */
interface Rolling extends Release {
  readonly detached: boolean;
  readonly scale: ScaleSettings;
  readonly runnerId: RunnerId;
  /** Why its runner ended; `null`: it hasn't. */
  readonly failed: string | null;
}

/** What makes the next start of a runner wait (failures.ts). */
export interface Trouble {
  /** Consecutive start failures. */
  readonly failures: number;
  /** Runners that died soon after they were ready and had got no request, since the app last answered one. */
  readonly diedEarly: number;
  /** Deaths of the supervisor under its runners, since the app last answered a request. */
  readonly losses: number;
  /** Why the latest start failed, a sentence; `null` while there are none. */
  readonly lastFailure: string | null;
}

export const noTrouble: Trouble = { failures: 0, diedEarly: 0, losses: 0, lastFailure: null };

/** One alias. The trees are indexes over `World.runners` and `World.requests`, kept by turn.ts. */
export interface App {
  readonly alias: AliasName;
  /** Grows with each app. */
  readonly serial: number;
  /** `null`: deleted, or never deployed. */
  readonly live: Release | null;
  readonly scale: ScaleSettings;
  readonly rolling: Rolling | null;
  readonly trouble: Trouble;
  /** Serial of the runner that got the latest request: round-robin continues after it. */
  readonly lastServed: number;
  readonly hinted: Hinted;

  readonly requests: RequestIndex;
  readonly runners: RunnerIndex;
  /** When time alone changes something; `null`: never. */
  readonly wakeAt: Instant | null;
}

/**
 * - `member`: serves the alias and counts. `succeeds`: it was a replacement whose old runner had to end first.
 * - `check`: the first runner of a rolling deploy.
 * - `replacement`: takes the place of `replaces` as soon as it is ready; until then the old one counts. `isAlone`: the
 *   old one counts no more.
 */
export type Role =
  | { readonly kind: 'member'; readonly succeeds?: true }
  | { readonly kind: 'check' }
  | { readonly kind: 'replacement'; readonly replaces: RunnerId; readonly isAlone?: true };

/** How a runner ends: see the functions of that name in ending.ts. */
export interface Leave {
  readonly how: 'retire' | 'terminateSoon' | 'kill';
  readonly why: StopReason;
}

export interface LiveRunner extends Runner {
  /** Grows with each runner. */
  readonly serial: number;
  readonly role: Role;
  /**
   * PENDING and waiting for room on the machine: its place in the line (capacity.ts); `null`: it has room, or backs
   * off.
   */
  readonly turn: Key | null;
  /** `Trouble.losses` of its app when it asked for a process. */
  readonly lossesBefore: number;
  /** When its process began; `null`: none yet. */
  readonly startedAt: Instant | null;
  readonly nextProbeAt: Instant | null;
  /** Since when a regular health check has been out; `null`: none is. */
  readonly probedAt: Instant | null;
  /** Consecutive failed health checks after the start period. */
  readonly probeFailures: number;
  /** Why it will be replaced, with `replacement: 'will'`. */
  readonly replaceWhy: StopReason;
  /** Its replacement that is there, or was the last. */
  readonly substitute: RunnerId | null;
  /** It ends together with many others, in one of the next steps: it gets nothing any more and doesn't count. */
  readonly leave: Leave | null;
}

type Place =
  /** A runner may take it, `since` then. */
  | { readonly kind: 'waiting'; readonly since: Instant }
  | { readonly kind: 'delayed'; readonly availableAt: Instant; readonly because: string }
  | {
      readonly kind: 'running';
      readonly runnerId: RunnerId;
      readonly attemptId: AttemptId;
      readonly startedAt: Instant;
    };

export interface LiveRequest {
  readonly info: RequestInfo;
  readonly seq: number;
  /** Attempts begun. */
  readonly attempts: number;
  readonly retried: Retried;
  /** Where the latest attempt ran. */
  readonly lastRunner: RunnerId | null;
  /** Its caller does not want it any more: it gets no further attempt. */
  readonly withdrawn: boolean;
  readonly place: Place;
}

/** A world without apps. `seed` decides the ids that will be made. */
export function emptyWorld(seed: string, limits: Limits = defaultLimits): World {
  return {
    seed,
    limits,
    isClosing: false,
    counter: 0,
    arrivals: 0,
    appsMade: 0,
    apps: IdMap.empty(),
    wakeups: null,
    runners: IdMap.empty(),
    placed: 0,
    leaving: 0,
    ending: 0,
    gpuHolders: null,
    offers: noOffers,
    line: null,
    gpu: { used: 0, leaving: 0, ending: 0, line: null },
    requests: IdMap.empty(),
  };
}

/** An alias without runners and requests. */
export function emptyApp(alias: AliasName, serial: number, scale: ScaleSettings): App {
  return {
    alias,
    serial,
    live: null,
    scale,
    rolling: null,
    trouble: noTrouble,
    lastServed: -1,
    hinted: nothingHinted,
    requests: noRequests,
    runners: noRunners,
    wakeAt: null,
  };
}
