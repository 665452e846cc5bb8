import type { Event } from '../events.ts';
import type {
  AliasName,
  AttemptId,
  GpuChoice,
  GpuKind,
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
  /** The emulator is stopping: nothing new begins. */
  readonly isClosing: boolean;
  /** Ids made so far. */
  readonly counter: number;
  /** Number of requests that ever arrived. Requests with equal `submittedAt` are in order of arrival. */
  readonly arrivals: number;
  /** Number of apps that ever existed. */
  readonly appsMade: number;
  readonly apps: IdMap<AliasName, App>;
  /** Apps that time alone will change: [wakeAt, serial]. */
  readonly wakeups: Sorted<AliasName>;
  readonly runners: IdMap<RunnerId, LiveRunner>;
  /** Runners that take up room on the machine. */
  readonly placed: number;
  /** Runners among them that are leaving. */
  readonly leaving: number;
  /** Runners among them whose grace period is running, so that their room is free soon. Draining may take long. */
  readonly ending: number;
  /** Apps with a runner that needs a GPU: [serial]. */
  readonly gpuHolders: Sorted<AliasName>;
  readonly offers: Offers;
  /**
   * Runners that wait for room, the next one first: their `turn`. Runners that need a GPU slot have a separate line.
   */
  readonly line: Sorted<RunnerId>;
  /** The machine's GPU slots by kind of GPU. */
  readonly gpu: IdMap<string, GpuSlots>;
  readonly requests: IdMap<RequestId, LiveRequest>;
}

/** The slots of one kind of GPU, or of all GPUs; without a limit none are counted. */
export interface GpuSlots {
  /** Slots that runners hold. */
  readonly used: number;
  /** Slots of runners that are leaving, and slots of runners whose grace period is running. */
  readonly leaving: number;
  readonly ending: number;
  /** Runners that wait for slots, or that have slots and wait for room: their `turn`. */
  readonly line: Sorted<RunnerId>;
  /** Runners that wait for slots of another kind, and could use this one as well: their `turn`. */
  readonly others: Sorted<RunnerId>;
}

export const noSlots: GpuSlots = { used: 0, leaving: 0, ending: 0, line: null, others: null };

/** Limits of the machine. */
export interface Limits {
  /** How long a runner may have no process: its environment may have to be built first. */
  readonly pendingSeconds: number;
  /** How long a runner may take to answer a swap of its code. */
  readonly swapSeconds: number;
  /** Maximum number of runners on the machine (capacity.ts); infinite: no limit. */
  readonly runners: number;
  /** Number of GPU slots of the machine (room.ts); infinite: no limit. */
  readonly gpuSlots: number;
  /** Runners get only GPUs of their machine types, of these kinds; `null`: any GPU is as good. */
  readonly gpuKinds: readonly GpuKind[] | null;
}

export const defaultLimits: Limits = {
  pendingSeconds: 3600,
  swapSeconds: 60,
  runners: Number.POSITIVE_INFINITY,
  gpuSlots: Number.POSITIVE_INFINITY,
  gpuKinds: null,
};

/** What an alias points to. */
export interface Release {
  readonly revision: RevisionId;
  readonly settings: RevisionSettings;
  /** A runner of it was ready. */
  readonly worked?: true;
}

/**
 * A rolling deploy in progress: its one runner must become ready before the alias moves. Detached: the alias has
 * already moved, and the runner is an ordinary runner of the alias.
 */
interface Rolling extends Release {
  readonly detached: boolean;
  /** It is the restart of a reload: the other runners get no requests meanwhile, and no others start. */
  readonly isReload: boolean;
  readonly scale: ScaleSettings;
  readonly runnerId: RunnerId;
  /** Why its runner ended; `null`: it hasn't ended. */
  readonly failed: string | null;
}

/** A reload whose runners swap their code. It is concluded when each of them has answered or ended. */
interface Reload extends Release {
  readonly scale: ScaleSettings;
  /** The latest reload that was requested meanwhile. */
  readonly next: ReloadOrder | null;
}

export type ReloadOrder = Extract<Event, { readonly type: 'aliasReloaded' }>;

/** What makes the next start of a runner wait (failures.ts). */
export interface Trouble {
  /** Consecutive start failures. */
  readonly failures: number;
  /**
   * Number of runners that died soon after they were ready, without a request, since the app last answered a request.
   */
  readonly diedEarly: number;
  /** Number of deaths of its runners' supervisor since the app last answered a request. */
  readonly losses: number;
  /** Message that says why the latest start failed; `null`: no start failed. */
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
  readonly reload: Reload | null;
  readonly trouble: Trouble;
  /** Serial of the runner that got the latest request: round-robin continues after it. */
  readonly lastServed: number;
  readonly hinted: Hinted;

  readonly requests: RequestIndex;
  readonly runners: RunnerIndex;
  /** The next instant at which time alone changes the app; `null`: never. */
  readonly wakeAt: Instant | null;
}

/**
 * - `member`: serves the alias and counts. `succeeds`: it was a replacement whose old runner had to end first.
 * - `check`: the first runner of a rolling deploy.
 * - `replacement`: takes the place of `replaces` as soon as it is ready; until then the old one counts. `isAlone`: the
 *   old one no longer counts.
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
  /** `null`: machine types don't matter, or nothing here suits it. */
  readonly gpu: GpuChoice | null;
  /** Grows with each runner. */
  readonly serial: number;
  readonly role: Role;
  /**
   * Its place in the line if it is PENDING and waits for room on the machine (capacity.ts); `null`: it has room, or
   * backs off.
   */
  readonly turn: Key | null;
  /** `Trouble.losses` of its app when it asked for a process. */
  readonly lossesBefore: number;
  /** When its process began; `null`: none yet. */
  readonly startedAt: Instant | null;
  readonly nextProbeAt: Instant | null;
  /** When the pending regular health check began; `null`: no check is pending. */
  readonly probedAt: Instant | null;
  /** Consecutive failed health checks after the start period. */
  readonly probeFailures: number;
  /** Why it will be replaced, with `replacement: 'will'`. */
  readonly replaceReason: StopReason;
  /** Its current or latest replacement. */
  readonly substitute: RunnerId | null;
  /**
   * It is exchanging its code for that of `revision`, and gets no more requests until it has answered. Not `isAsked`:
   * it was paused, and is asked afterwards.
   */
  readonly swap: { readonly revision: RevisionId; readonly deadline: Instant; readonly isAsked: boolean } | null;
  readonly debug: NonNullable<Runner['debug']> | null;
  /** Since when no time passes for it (debug.ts), and when that ended last. */
  readonly pausedAt: Instant | null;
  readonly resumedAt: Instant | null;
  /** It gets no more requests, because new code is on its way to other runners of its app. */
  readonly held: boolean;
  /** It ends together with many others, in one of the next steps. It gets no more requests and doesn't count. */
  readonly leave: Leave | null;
}

type Place =
  /** A runner may take the request, since `since`. */
  | { readonly kind: 'waiting'; readonly since: Instant }
  | { readonly kind: 'delayed'; readonly availableAt: Instant; readonly because: string }
  | {
      readonly kind: 'running';
      readonly runnerId: RunnerId;
      readonly attemptId: AttemptId;
      /** Without the time in which its runner was paused. */
      readonly startedAt: Instant;
      /** Since when its runner is paused. */
      readonly pausedAt: Instant | null;
    };

export interface LiveRequest {
  readonly info: RequestInfo;
  readonly seq: number;
  /** Number of attempts begun. */
  readonly attempts: number;
  readonly retried: Retried;
  /** Where the latest attempt ran. */
  readonly lastRunner: RunnerId | null;
  /** The caller withdrew the request: it gets no further attempt. */
  readonly withdrawn: boolean;
  readonly place: Place;
}

/** A world without apps. `seed` determines the IDs that are made later. */
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
    gpu: IdMap.empty(),
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
    reload: null,
    trouble: noTrouble,
    lastServed: -1,
    hinted: nothingHinted,
    requests: noRequests,
    runners: noRunners,
    wakeAt: null,
  };
}
