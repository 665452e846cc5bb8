import type { GpuChoice, GpuKind, RevisionSettings, RunnerId } from '../types.ts';
import type { IdMap } from '../world/id-map.ts';
import { replaceKey } from '../world/request-index.ts';
import { isEnding, isLeaving, isPlaced } from '../world/runner-index.ts';
import { type GpuSlots, type Limits, type LiveRunner, noSlots, type World } from '../world/world.ts';

/**
 * The machine's GPU slots. They are minifal's own: on the platform each runner has its own machine. Where machine types
 * matter, each kind of GPU has slots of its own; otherwise there is one kind, without a name.
 */

type Pools = World['gpu'];
type WithGpu = Pick<LiveRunner, 'settings' | 'gpu'>;
type GpuLimits = Pick<Limits, 'gpuSlots' | 'gpuKinds'>;

/**
 * Number of slots that the runner needs. Where machine types don't matter, one that needs more than the machine has
 * takes them all. Without a limit, 0.
 */
export function slotsOf(limits: GpuLimits, runner: WithGpu | undefined): number {
  if (runner === undefined) return 0;
  const limit = slotLimit(limits, runner);
  if (limit === Number.POSITIVE_INFINITY) return 0;
  return limits.gpuKinds === null ? Math.min(limit, runner.settings.gpuSlots) : runner.settings.gpuSlots;
}

/** Number of slots that there are of the runner's kind of GPU. */
export function slotLimit(limits: GpuLimits, { gpu }: Pick<LiveRunner, 'gpu'>): number {
  if (limits.gpuKinds === null) return limits.gpuSlots;
  return limits.gpuKinds.find(({ name }) => name === gpu?.kind)?.slots ?? 0;
}

/** Number of unused slots of the runner's kind of GPU. */
export function freeSlots(world: World, runner: Pick<LiveRunner, 'gpu'>): number {
  return slotLimit(world.limits, runner) - poolOf(world.gpu, runner).used;
}

/** The slots of the runner's kind of GPU. */
export function poolOf(pools: Pools, runner: Pick<LiveRunner, 'gpu'>): GpuSlots {
  return pools.get(kindOf(runner)) ?? noSlots;
}

/** Runners that suit no kind wait together, under the empty name. */
function kindOf({ gpu }: Pick<LiveRunner, 'gpu'>): string {
  return gpu?.kind ?? '';
}

/** Whether both need the same kind of GPU. */
export function isSameKind(one: Pick<LiveRunner, 'gpu'>, other: Pick<LiveRunner, 'gpu'>): boolean {
  return kindOf(one) === kindOf(other);
}

/**
 * The kind of GPU for a new runner: the first of its machine types that has enough free slots, or else the first that
 * has enough slots at all, for which it then waits. `null`: none, or machine types don't matter.
 */
export function chooseGpu(
  { limits, gpu }: Pick<World, 'limits' | 'gpu'>,
  settings: RevisionSettings,
): GpuChoice | null {
  const { gpuSlots: needed, gpuTypes = [] } = settings;
  if (limits.gpuKinds === null || needed === 0) return null;
  const kinds = limits.gpuKinds;
  const suitable = gpuTypes.flatMap((machineType) =>
    kinds
      .filter((kind) => suits(kind, [machineType], needed))
      .map(({ name: kind, slots }) => ({ kind, machineType, slots })),
  );
  const free = suitable.find(({ kind, slots }) => slots - (gpu.get(kind)?.used ?? 0) >= needed);
  const { kind, machineType } = free ?? suitable[0] ?? {};
  return kind === undefined || machineType === undefined ? null : { kind, machineType };
}

function suits({ slots, machineTypes }: GpuKind, gpuTypes: readonly string[], needed: number): boolean {
  return slots >= needed && gpuTypes.some((type) => machineTypes.includes(type));
}

/** Whether no kind of GPU of this machine has what a runner of these settings needs, though machine types matter. */
export function suitsNoGpu(world: Pick<World, 'limits' | 'gpu'>, settings: RevisionSettings): boolean {
  return world.limits.gpuKinds !== null && settings.gpuSlots > 0 && chooseGpu(world, settings) === null;
}

/** A runner that changes, or appears (`before` absent), or is removed (`after` absent). */
interface Change {
  readonly id: RunnerId;
  readonly before?: LiveRunner | undefined;
  readonly after: LiveRunner | undefined;
}

/** The slots in use, and the lines for them, after one runner changed. */
export function countSlots(pools: Pools, limits: GpuLimits, change: Change): Pools {
  return listOthers(counted(pools, limits, change), limits, change);
}

/** Where machine types matter, a runner in the line for one kind is also known to the others that suit it. */
function listOthers(pools: Pools, { gpuKinds }: GpuLimits, { id, before, after }: Change): Pools {
  const mayWait = (before?.turn ?? null) !== null || (after?.turn ?? null) !== null;
  if (gpuKinds === null || !mayWait) return pools;
  const place = (kind: GpuKind, runner: LiveRunner | undefined) => {
    if (runner === undefined || runner.settings.gpuSlots === 0 || kindOf(runner) === kind.name) return null;
    return suits(kind, runner.settings.gpuTypes ?? [], runner.settings.gpuSlots) ? runner.turn : null;
  };
  return gpuKinds.reduce((next, kind) => {
    const pool = next.get(kind.name) ?? noSlots;
    const others = replaceKey(pool.others, place(kind, before), place(kind, after), id);
    return others === pool.others ? next : next.set(kind.name, { ...pool, others });
  }, pools);
}

function counted(pools: Pools, limits: GpuLimits, { id, before, after }: Change): Pools {
  const [from, to] = [before && kindOf(before), after && kindOf(after)];
  if (from === to || from === undefined || to === undefined)
    return countedIn(pools, to ?? from ?? '', limits, { id, before, after });
  const left = countedIn(pools, from, limits, { id, before, after: undefined });
  return countedIn(left, to, limits, { id, before: undefined, after });
}

function countedIn(
  pools: Pools,
  kind: string,
  limits: GpuLimits,
  { id, before, after }: Change,
): IdMap<string, GpuSlots> {
  const was = slotsOf(limits, before);
  const is = slotsOf(limits, after);
  if (was === 0 && is === 0) return pools;
  const pool = pools.get(kind) ?? noSlots;
  const change = (counts: (runner: LiveRunner | undefined) => boolean) =>
    (counts(after) ? is : 0) - (counts(before) ? was : 0);
  const from = was > 0 ? (before?.turn ?? null) : null;
  const to = is > 0 ? (after?.turn ?? null) : null;
  const next = {
    ...pool,
    used: pool.used + change(isPlaced),
    leaving: pool.leaving + change(isLeaving),
    ending: pool.ending + change(isEnding),
    line: replaceKey(pool.line, from, to, id),
  };
  const same =
    next.used === pool.used && next.leaving === pool.leaving && next.ending === pool.ending && next.line === pool.line;
  return same ? pools : pools.set(kind, next);
}
