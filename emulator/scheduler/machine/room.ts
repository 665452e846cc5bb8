import type { GpuKind, OneReason } from '../types.ts';
import { ascending, compareKeys, first, type Key, values } from '../world/sorted.ts';
import { putRunner, type Turn } from '../world/turn.ts';
import { type App, type GpuSlots, type LiveRunner, noSlots, type World } from '../world/world.ts';
import { chooseGpu, freeSlots, poolOf, slotLimit, slotsOf } from './gpu-slots.ts';

/** The machine's capacity for runners, and the line of runners that wait for it. capacity.ts decides who gets it. */

type Newcomer = Pick<LiveRunner, 'role' | 'settings' | 'gpu'>;

/**
 * What a runner has to wait for; `null`: nothing, when its turn comes. The check of a rolling deploy and replacements
 * never wait for room, because no other runner makes room for them; an app has few of them at a time (rollout.ts). They
 * do wait for a GPU slot, which the old runner gives up.
 */
export function lackOf(world: World, runner: Newcomer): 'slots' | 'room' | null {
  if (slotsOf(world.limits, runner) > freeSlots(world, runner)) return 'slots';
  return runner.role.kind === 'member' && world.placed >= world.limits.runners ? 'room' : null;
}

/**
 * Whether a new process has to wait for room or for a GPU slot. A runner never overtakes those that wait for the same
 * resource.
 */
export function mustWait(world: World, runner: Newcomer): boolean {
  if (lackOf(world, runner) !== null) return true;
  const needsSlot = slotsOf(world.limits, runner) > 0;
  const ahead = needsSlot ? headOf(world, poolOf(world.gpu, runner)) : undefined;
  if (isGuest(runner)) return ahead !== undefined && isGuest(ahead);
  if (world.line !== null || ahead !== undefined) return true;
  return nextForSlots(world).some((other) => !isGuest(other) && lackOf(world, other) === null);
}

/** Whether there is no room, or no GPU slot, for one more runner of these settings. */
export function isFull(world: World, { settings }: Pick<LiveRunner, 'settings'>): boolean {
  return lackOf(world, { role: { kind: 'member' }, settings, gpu: chooseGpu(world, settings) }) !== null;
}

/** The next runner of each line, the one with the earlier turn first. */
export function nextInLine(world: World): readonly LiveRunner[] {
  const head = world.runners.get(first(world.line)?.value ?? '');
  const heads = nextForSlots(world);
  if (head === undefined && heads.length === 0) return [];
  return [...(head === undefined ? [] : [head]), ...heads].sort((a, b) => compareKeys(a.turn ?? [], b.turn ?? []));
}

/** The next in the line for each kind of GPU. */
export function nextForSlots(world: World): readonly LiveRunner[] {
  const heads: LiveRunner[] = [];
  for (const pool of world.gpu.values()) {
    const head = headOf(world, pool);
    if (head !== undefined) heads.push(head);
  }
  return heads;
}

function headOf(world: World, { line }: GpuSlots): LiveRunner | undefined {
  return world.runners.get(first(line)?.value ?? '');
}

/** Where the runners that no request waits for begin in the line. */
export const onlySettings: Key = [1];

/**
 * The place of a runner in the line: first checks and replacements, then runners that requests wait for, then those
 * required only by settings. Among equals, the app with the fewest runners comes first, then the oldest runner.
 */
export function placeInLine(app: App | undefined, runner: Pick<LiveRunner, 'role' | 'serial'>): Key {
  if (isGuest(runner)) return [-1, 0, runner.serial];
  const wanted = app !== undefined && app.requests.waiting !== null;
  return [wanted ? 0 : 1, app?.runners.placed ?? 0, runner.serial];
}

/** Updates the places and settings of the app's runners in the line. Both may have changed while they waited. */
export function refreshLine(turn: Turn, app: App): void {
  if (app.runners.inLine === null) return;
  for (const id of values(app.runners.inLine)) {
    const runner = turn.world.runners.get(id);
    if (runner === undefined) continue;
    const place = placeInLine(app, runner);
    const settings = app.live?.revision === runner.revision ? app.live.settings : runner.settings;
    if (settings === runner.settings && !runner.turn?.some((part, i) => part !== place[i])) continue;
    const gpu = settings === runner.settings ? runner.gpu : chooseGpu(turn.world, settings);
    putRunner(turn, runner.id, { ...runner, settings, gpu, turn: place });
  }
}

/**
 * Where machine types matter: lets a runner that waits for one kind of GPU take another one that is free and suits it,
 * unless somebody waits for that longer. It is then the next one in that line.
 */
export function changeLine(turn: Turn): void {
  const { world } = turn;
  let best: LiveRunner | undefined;
  let bestKey: Key = [];
  for (const kind of world.limits.gpuKinds ?? []) {
    const found = firstOther(world, kind);
    if (found === undefined) continue;
    // The one with the earlier turn, on the type that it prefers.
    const preference = found.settings.gpuTypes?.indexOf(found.gpu?.machineType ?? '') ?? 0;
    const key = [...(found.turn ?? []), preference];
    if (best === undefined || compareKeys(key, bestKey) < 0) [best, bestKey] = [found, key];
  }
  if (best !== undefined) putRunner(turn, best.id, best);
}

/** The first runner that waits for another kind and can have this one now, which its `gpu` then is. */
function firstOther(world: World, kind: GpuKind): LiveRunner | undefined {
  for (const runner of othersFor(world, kind)) if (lackOf(world, runner) === null) return runner;
  return undefined;
}

/** For each kind of GPU, the first runner that waits for another one and suits this one, which its `gpu` then is. */
export function nextOfOthers(world: World): readonly LiveRunner[] {
  return (world.limits.gpuKinds ?? []).flatMap((kind) => {
    const { value } = othersFor(world, kind).next();
    return value === undefined ? [] : [value];
  });
}

/** Only those that have waited longer than everybody in the line for this kind. */
function* othersFor(world: World, { name: kind, machineTypes }: GpuKind): Generator<LiveRunner, undefined> {
  const pool = world.gpu.get(kind) ?? noSlots;
  const head = headOf(world, pool);
  for (const { key, value } of ascending(pool.others)) {
    if (head !== undefined && compareKeys(head.turn ?? [], key) < 0) return;
    const runner = world.runners.get(value);
    const machineType = runner?.settings.gpuTypes?.find((type) => machineTypes.includes(type));
    if (runner !== undefined && machineType !== undefined) yield { ...runner, gpu: { kind, machineType } };
  }
}

/** Why a runner waits for room or for a GPU slot. */
export function noRoom(world: World, runner: LiveRunner): OneReason {
  const { placed, limits } = world;
  const needed = slotsOf(limits, runner);
  const lack = lackOf(world, runner);
  const since = 'since' in runner.state ? runner.state.since : null;
  const waits = { since, until: null, evidence: null };
  if (needed === 0 || lack === 'room') {
    const numbers = { used: placed, limit: limits.runners };
    return { ...waits, code: 'no_room', numbers, action: 'free_a_runner' };
  }
  if (limits.gpuKinds !== null && runner.gpu === null) {
    const evidence = runner.settings.gpuTypes?.join(' or ') ?? null;
    return { ...waits, code: 'no_gpu_of_type', numbers: { needed }, evidence, action: 'choose_gpu' };
  }
  const numbers = { used: poolOf(world.gpu, runner).used, limit: slotLimit(limits, runner), needed };
  const code = lack === null ? 'behind_for_gpu_slot' : 'no_gpu_slot';
  return { ...waits, code, numbers, evidence: runner.gpu?.kind ?? null, action: 'free_a_gpu_slot' };
}

function isGuest({ role }: Pick<LiveRunner, 'role'>): boolean {
  return role.kind !== 'member';
}
