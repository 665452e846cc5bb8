import { Router } from 'express';
import type { Runner } from '../../../scheduler/types.ts';
import type { RestDeps } from '../deps.ts';
import { exposition, expositionType, type Gauge, numberOf } from './exposition.ts';
import { ownMetrics } from './own/own-metrics.ts';

type Rooms = Pick<RestDeps, 'catalog' | 'fleet' | 'runnerHistory' | 'requestHistory' | 'about' | 'clock'>;
type Sample = Gauge['samples'][number];

/** The platform's answer is so old at most (documentation: platform-apis/serverless/metrics). */
const cachedMs = 10_000;
/** Assumed: the documentation says that an ended runner is counted briefly. */
const deadMs = 60_000;

/** `GET /v1/serverless/metrics`: what Prometheus and Grafana scrape (docs/platform/rest.md#metrics). */
export function platformMetrics(rooms: Rooms): Router {
  const router = Router();
  let cached: { readonly at: number; readonly text: Promise<string> } | undefined;
  router.get('/v1/serverless/metrics', async (_request, response) => {
    const now = rooms.clock();
    if (!cached || now - cached.at >= cachedMs || now < cached.at) cached = { at: now, text: allMetrics(rooms) };
    response.type(expositionType).send(await cached.text);
  });
  return router;
}

/** The platform's, and those of the apps. */
async function allMetrics(rooms: Rooms): Promise<string> {
  const own = gauges(rooms);
  return exposition(own) + (await ownMetrics(rooms, new Set(own.map(({ name }) => name))));
}

function gauges(rooms: Rooms): readonly Gauge[] {
  const { catalog, fleet, requestHistory } = rooms;
  const names = new Set(catalog.aliases(null).map(({ name }) => name));
  const application = (alias: string) => ({ application: `${catalog.account.nickname}/${alias}` });
  const { received, completed, latency } = requestHistory.lastMinute(rooms.clock());
  const ofApps = (measure: (alias: string) => number | undefined): readonly Sample[] =>
    [...names].flatMap((alias) => {
      const value = measure(alias);
      return value === undefined ? [] : [{ labels: application(alias), value }];
    });
  const listed = <T extends { readonly alias: string }>(all: readonly T[]) =>
    all.filter(({ alias }) => names.has(alias));
  const gpus = gpusOf(rooms);

  return [
    gauge('fal_app_runners', 'Runners by state', runnerCounts(rooms, names, application)),
    gauge(
      'fal_app_queue_size',
      'Requests that wait',
      ofApps((alias) => fleet.queueSize(alias)),
    ),
    gauge(
      'fal_app_concurrent_requests',
      'Requests on runners',
      ofApps((alias) => requestHistory.running(alias)),
    ),
    gauge(
      'fal_app_requests_completed',
      'Requests that were completed in the last minute',
      listed(completed).map(({ alias, method, status, count }) => ({
        labels: { ...application(alias), method, status: String(status) },
        value: count,
      })),
    ),
    gauge(
      'fal_app_requests_received',
      'Requests that arrived in the last minute',
      listed(received).map(({ alias, method, count }) => ({ labels: { ...application(alias), method }, value: count })),
    ),
    gauge(
      'fal_app_request_latency',
      'Requests that were completed in the last minute, by seconds since their arrival',
      listed(latency).flatMap(({ alias, within }) =>
        within.map(({ seconds, count }) => ({ labels: { ...application(alias), le: boundOf(seconds) }, value: count })),
      ),
    ),
    gauge(
      'fal_app_runner_cpu_usage_percent',
      'CPU of all runners; 100 is one core',
      ofApps((alias) => sumOf(fleet.runners(alias), ({ id }) => percentOf(fleet.usage(id)?.cores))),
    ),
    gauge(
      'fal_app_runner_memory_usage_bytes',
      'Memory of all runners',
      ofApps((alias) => sumOf(fleet.runners(alias), ({ id }) => fleet.usage(id)?.residentBytes)),
    ),
    gauge(
      'fal_app_runner_gpu_utilization_percent',
      'Utilization of all GPUs of the runners',
      ofApps((alias) => sumOf(gpus.get(alias) ?? [], ({ utilization }) => utilization)),
    ),
    gauge(
      'fal_app_runner_vram_usage_percent',
      'Memory in use of all GPUs of the runners',
      ofApps((alias) => sumOf(gpus.get(alias) ?? [], ({ memoryPercent }) => memoryPercent)),
    ),
    gauge(
      'fal_app_runner_gpu_count',
      'GPUs of the runners',
      ofApps((alias) => gpus.get(alias)?.length),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Gauge {
  return { name, help, samples };
}

/** `undefined`: none of them has a value. */
function sumOf<T>(all: readonly T[], measure: (one: T) => number | undefined): number | undefined {
  const values = all.flatMap((one) => measure(one) ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

function percentOf(share: number | undefined): number | undefined {
  return share === undefined ? undefined : 100 * share;
}

function boundOf(seconds: number): string {
  return Number.isFinite(seconds) ? seconds.toFixed(1) : numberOf(seconds);
}

/** By app, state and machine type, those that ended a moment ago included. */
function runnerCounts(
  { catalog, fleet, runnerHistory, clock }: Rooms,
  names: ReadonlySet<string>,
  application: (alias: string) => { readonly application: string },
): readonly Sample[] {
  const counts = new Map<string, Sample>();
  const count = (alias: string, state: string, machineType: string | undefined): void => {
    if (!names.has(alias)) return;
    const labels = { ...application(alias), state, machine_type: hardwareOf(machineType ?? '') };
    const key = `${alias} ${state} ${machineType}`;
    counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + 1 });
  };
  for (const { alias, state, revision } of fleet.runners())
    if (state.kind !== 'terminated') count(alias, stateOf(state.kind), catalog.revision(revision)?.machineTypes[0]);
  const since = clock() - deadMs;
  for (const { alias, endedAt, machineType } of runnerHistory.since(since))
    if (endedAt !== null && endedAt > since) count(alias, 'dead', machineType);
  return [...counts.values()];
}

/** `running`: its container is up, busy or idle. */
function stateOf(kind: Runner['state']['kind']): 'pending' | 'running' {
  return ['pending', 'dockerPull', 'setup', 'failureDelay'].includes(kind) ? 'pending' : 'running';
}

/** The name of the hardware, as in the documentation's example, `NVIDIA B200`. */
function hardwareOf(machineType: string): string {
  return machineType.replace(/^GPU-/, 'NVIDIA ');
}

interface GpuOfApp {
  readonly utilization: number | undefined;
  readonly memoryPercent: number | undefined;
}

/** The GPUs that each app's runners have; one that several runners share counts once. */
function gpusOf({ fleet, about }: Rooms): ReadonlyMap<string, readonly GpuOfApp[]> {
  const found = new Map<string, GpuOfApp[]>();
  for (const { gpu, runners } of fleet.gpus()) {
    const sample = about.gpuUse.sample(gpu.uuid);
    const { memoryMib } = gpu;
    const used = sample?.memoryUsedMib;
    const memoryPercent = used === undefined || !memoryMib ? undefined : (100 * used) / memoryMib;
    const aliases = new Set(runners.flatMap(({ id }) => fleet.runner(id)?.alias ?? []));
    for (const alias of aliases) {
      const others = found.get(alias) ?? [];
      found.set(alias, [...others, { utilization: sample?.utilization, memoryPercent }]);
    }
  }
  return found;
}
