import { Router } from 'express';
import type { Gpu } from '../../../local/gpus/gpu.ts';
import type { Runner } from '../../../scheduler/types.ts';
import type { RunnerRecord } from '../../../telemetry/types.ts';
import { endedShownMs, type Status } from '../../../wire/status.ts';
import type { RestDeps } from '../deps.ts';
import { sendInParts } from './in-parts.ts';
import { whySentence } from './shown-reason.ts';

export type StatusRooms = Pick<
  RestDeps,
  'catalog' | 'fleet' | 'runnerHistory' | 'hosts' | 'about' | 'trouble' | 'followTrouble'
>;
type App = Status['apps'][number];
type ShownRunner = Status['runners'][number];

/** The maximum number of waiting requests shown in total; for each app, at least the first one is shown. */
const shownWaiting = 100;

/** `GET /minifal/status`: our own page, for `minifal status` and other programs. Reading it changes nothing. */
export function ownStatus(rooms: StatusRooms & Pick<RestDeps, 'report'>): Router {
  const router = Router();
  router.get('/minifal/status', (_request, response) => {
    sendInParts(response.type('json'), statusOf(rooms, Date.now())).catch((error: unknown) => {
      rooms.report(error);
      response.destroy();
    });
  });
  return router;
}

/** An overview of everything; runners that ended in the last hour are still shown. */
function statusOf(rooms: StatusRooms, now: number): Status {
  const { catalog, runnerHistory } = rooms;
  const apps = catalog.aliases(null).map((alias) => appOf(rooms, alias));
  const waiting = apps.filter(({ queueSize }) => queueSize > 0);
  const perApp = Math.max(1, Math.floor(shownWaiting / waiting.length));
  return {
    ...headOf(rooms),
    apps,
    runners: runnerHistory
      .since(now - endedShownMs)
      .toReversed()
      .map((record) => runnerOf(rooms, record)),
    waiting: waiting.flatMap(({ alias }) => waitingOf(rooms, alias, perApp)),
  };
}

/** The parts of the status that exist only once. */
export function headOf({
  catalog,
  fleet,
  about,
  trouble,
}: Pick<StatusRooms, 'catalog' | 'fleet' | 'about' | 'trouble'>): Omit<Status, 'apps' | 'runners' | 'waiting'> {
  return {
    version: about.version,
    pid: process.pid,
    startedAt: about.startedAt,
    timeScale: about.timeScale,
    owner: catalog.account.nickname,
    secrets: about.secrets,
    isolation: about.isolation(),
    gpus: gpusOf({ fleet, about }),
    ...troubleOf({ trouble }),
  };
}

/** The GPUs of the machine, with their latest measurements. */
function gpusOf({ fleet, about }: Pick<StatusRooms, 'fleet' | 'about'>): Status['gpus'] {
  return fleet.gpus().map(({ gpu, runners }) => gpuOf(gpu, runners, about.gpuUse));
}

function gpuOf(
  gpu: Gpu,
  holders: ReturnType<StatusRooms['fleet']['gpus']>[number]['runners'],
  use: StatusRooms['about']['gpuUse'],
): Status['gpus'][number] {
  const { uuid, index, name, memoryMib = null, virtual = false } = gpu;
  const sample = use.sample(uuid);
  const { memoryUsedMib = null, utilization = null, powerWatts = null, celsius = null } = sample ?? {};
  const now = sample === undefined ? null : { memoryUsedMib, utilization, powerWatts, celsius };
  const runners = holders.map(({ id, pid }) => ({
    id,
    memoryMib: (pid === undefined ? undefined : use.memoryOf(uuid, pid)) ?? null,
  }));
  return { uuid, index, name, memoryMib, virtual, runners, now };
}

function troubleOf({ trouble }: Pick<StatusRooms, 'trouble'>): Pick<Status, 'trouble' | 'troubleWhy'> {
  const met = trouble();
  return {
    trouble: met && `${met.message} ${met.next}`,
    troubleWhy: met && { kind: met.trouble, why: met.why },
  };
}

function appOf(
  { catalog, fleet, hosts }: StatusRooms,
  { name, revision, authMode }: { readonly name: string } & Pick<App, 'revision' | 'authMode'>,
): App {
  const url = `https://${hosts.run}/${catalog.account.nickname}/${name}`;
  const { waitingSize, lastFailure } = fleet;
  return { alias: name, revision, authMode, url, queueSize: waitingSize(name), lastFailure: lastFailure(name) };
}

function runnerOf({ fleet, runnerHistory }: StatusRooms, record: RunnerRecord): ShownRunner {
  const { id, number, alias, revision, endedAt, endReason, startedAt } = record;
  const transitions = runnerHistory.transitions(id);
  const last = transitions.at(-1);
  return {
    id,
    number,
    alias,
    revision,
    state: last?.state ?? 'PENDING',
    since: last?.at ?? startedAt,
    requests: requestsOf(fleet.runner(id)),
    endedAt,
    endReason,
    transitions: [...transitions],
  };
}

/** The first `max` requests that wait for the app. */
function waitingOf(rooms: StatusRooms, alias: string, max: number): Status['waiting'] {
  const now = Date.now();
  return rooms.fleet
    .waiting(alias, max)
    .map(({ id, since }) => ({ requestId: id, alias, since, why: whySentence(rooms, id, now) ?? '' }));
}

function requestsOf(runner: Runner | undefined): string[] {
  const state = runner?.state;
  return state && 'attempts' in state ? state.attempts.map((attempt) => attempt.requestId) : [];
}
