import type { z } from 'zod';
import { firstMachineType } from '../../../catalog/machine-types.ts';
import { type Runner, type RunnerState, stateWords } from '../../../scheduler/types.ts';
import type { RunnerRecord } from '../../../telemetry/types.ts';
import { jsonToStruct } from '../../../wire/struct.ts';
import type { GrpcRooms } from '../deps.ts';
import { notFound } from '../rpc-error.ts';
import type { killRunnerSchema, listAliasRunnersSchema, listRunnersSchema, stopRunnerSchema } from './schemas.ts';

type Rooms = Pick<GrpcRooms, 'catalog' | 'fleet' | 'runnerHistory' | 'clock'>;

const wireReplacements = { none: 'NO_REPLACE', will: 'WILL_REPLACE', did: 'DID_REPLACE' } as const;
const starting: readonly RunnerState['kind'][] = ['pending', 'dockerPull', 'setup', 'failureDelay'];

/** ListRunners: the live runners of all apps; with `start_time`, also those that ended since. */
export function listRunners(rooms: Rooms) {
  return (request: z.output<typeof listRunnersSchema>): object => ({ runners: list(rooms, undefined, request) });
}

/** ListAliasRunners. An alias that doesn't exist has no runners. */
export function listAliasRunners(rooms: Rooms) {
  return (request: z.output<typeof listAliasRunnersSchema>): object => ({
    runners: list(rooms, request.alias, request),
  });
}

/**
 * StopRunner: accepts no new requests, finishes those in flight, then ends. Unknown id: "not found" (fal's e2e tests
 * look for these words).
 */
export function stopRunner({ fleet }: Pick<GrpcRooms, 'fleet'>) {
  return (request: z.output<typeof stopRunnerSchema>): object => {
    if (fleet.stopRunner(request.runner_id, request.replace_first ?? false)) return {};
    throw notFound(`Runner ${request.runner_id} not found.`);
  };
}

/** KillRunner: at once. */
export function killRunner({ fleet }: Pick<GrpcRooms, 'fleet'>) {
  return (request: z.output<typeof killRunnerSchema>): object => {
    if (fleet.killRunner(request.runner_id)) return {};
    throw notFound(`Runner ${request.runner_id} not found.`);
  };
}

function list(rooms: Rooms, alias: string | undefined, request: z.output<typeof listRunnersSchema>): readonly object[] {
  const live = rooms.fleet
    .runners(alias)
    .filter(({ state }) => state.kind !== 'terminated')
    .filter(({ state }) => request.list_pending !== false || !starting.includes(state.kind));
  const shown = live.map((runner) => liveMessage(rooms, runner));
  if (request.start_time === undefined) return shown;
  const ids = new Set(live.map(({ id }) => id));
  const ended = rooms.runnerHistory
    .since(request.start_time)
    .filter((record) => record.endedAt !== null && !ids.has(record.id) && (alias ?? record.alias) === record.alias);
  return [...shown, ...ended.map(endedMessage)];
}

function liveMessage(rooms: Rooms, runner: Runner): object {
  const { state } = runner;
  const attempts = 'attempts' in state ? state.attempts : [];
  const countdown = rooms.fleet.expirationCountdownSeconds(runner.id);
  const leases = attempts.map(({ requestId }) => ({
    request_id: requestId,
    caller_user_id: rooms.catalog.account.userId,
    leased_at_epoch: 'since' in state ? state.since / 1000 : 0,
  }));
  return {
    runner_id: runner.id,
    in_flight_requests: attempts.length,
    ...(countdown === null ? {} : { expiration_countdown: Math.ceil(countdown) }),
    uptime: Math.max(0, rooms.clock() - runner.createdAt) / 1000,
    revision: runner.revision,
    alias: runner.alias,
    external_metadata: jsonToStruct({
      present_in_group: state.kind !== 'draining' && state.kind !== 'terminating',
      leases,
    }),
    state: stateWords[state.kind],
    replacement: wireReplacements[runner.replacement],
    machine_type: machineType(rooms, runner),
  };
}

/** The machine type it was started with; before its start, the first one that its revision requests. */
function machineType({ catalog, runnerHistory }: Rooms, runner: Runner): string {
  const started = runnerHistory.get(runner.id);
  return started?.machineType ?? firstMachineType(catalog.revision(runner.revision)?.machineTypes);
}

function endedMessage(record: RunnerRecord): object {
  return {
    runner_id: record.id,
    uptime: ((record.endedAt ?? record.startedAt) - record.startedAt) / 1000,
    revision: record.revision,
    alias: record.alias,
    external_metadata: jsonToStruct({ present_in_group: false, leases: [] }),
    state: 'TERMINATED',
    replacement: 'NO_REPLACE',
    machine_type: record.machineType,
  };
}
