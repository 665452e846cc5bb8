import { z } from 'zod';
import type { EngineRequest } from '../../local/docker/api.ts';
import { findImage, type LocalImage, pullImage } from '../../local/docker/images.ts';
import { UserError } from '../../wire/errors.ts';
import type { RunnerAddress, RunnerEvents, RunnerSpec } from '../engine.ts';
import { type AppPorts, metricsPortIn, portIn, portsOfImage } from './app-ports.ts';
import { type ContainerInside, containerOptions, randomLoopback } from './container-options.ts';
import { firstProcess, hasFirstProcess } from './first-process.ts';
import type { DeviceRequest } from './gpu-requests.ts';
import type { ContainerImage } from './image.ts';
import type { Link } from './link.ts';
import { isNetworkTrouble } from './network.ts';
import { openData } from './shared-data.ts';

/** How often a container's start is tried while several networks have the name of ours. */
const maxStarts = 10;
/** At most ten reports of progress a second. */
const reportMs = 100;

/** The container of a runner, which doesn't run yet. */
export interface NewContainer {
  readonly link: Link;
  readonly id: string;
  readonly ports: AppPorts;
  /** For the runner's log: why its user can't write to `/data`. */
  readonly dataTrouble: string | null;
  /** The request whose connection carries its lines. */
  readonly attach: EngineRequest;
}

interface Order {
  readonly spec: RunnerSpec<ContainerImage>;
  readonly events: Pick<RunnerEvents, 'pulling'>;
  readonly link: Link;
  readonly deviceRequests: readonly DeviceRequest[];
  readonly owner: string;
  readonly caBundle: string | undefined;
  readonly clock: () => number;
  readonly signal: AbortSignal;
  readonly inside: ContainerInside;
  /** See `firstProcess`. */
  readonly runnerSources: string;
  readonly tools: string;
}

const startedSchema = z.object({
  State: z.object({ Pid: z.number().optional() }),
  NetworkSettings: z.object({
    Ports: z.record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullish()).nullish(),
  }),
});

/** Creates a runner's container, after its image was pulled if the engine doesn't have it. */
export async function createContainer(order: Order): Promise<NewContainer> {
  const { spec, owner, caBundle, inside, link, deviceRequests } = order;
  const { api, isVirtualMachine } = link.engine;
  const image = (await findImage(api, spec.environment.image)) ?? (await pulled(order));
  const isAsItIs = inside.command === undefined;
  const ports = isAsItIs ? portsOfImage(spec, image) : { app: portIn(spec), metrics: metricsPortIn(spec) };
  const isCarried = !isAsItIs || hasFirstProcess(image.architecture);
  if (isCarried && spec.mode === 'serve') mustBeFree(inside.ports, Object.values(ports));
  const address = isVirtualMachine ? '127.0.0.1' : randomLoopback();
  const network = await link.network();
  const body = containerOptions({
    spec,
    image,
    ports,
    address,
    owner,
    link: link.id,
    network,
    caBundle,
    inside,
    deviceRequests,
    first: isCarried ? firstProcess(order.runnerSources, image.architecture, order.tools) : null,
  });
  const dataTrouble = await openData(spec.dataDir, image.user);
  const id = await api.create({ path: '/containers/create', body });
  const query = { stream: '1', stdout: '1', stderr: '1' };
  return { link, id, ports, dataTrouble, attach: { method: 'POST', path: `/containers/${id}/attach`, query } };
}

async function pulled({ spec, events, clock, signal, link: { engine } }: Order): Promise<LocalImage> {
  const { image: reference, isPulled } = spec.environment;
  if (!isPulled) throw new UserError('IMAGE_MISSING', `The image ${reference} was removed.`, 'Deploy the app again.');
  let reported = Number.NEGATIVE_INFINITY;
  const onPercent = (percent: number) => {
    if (clock() - reported < reportMs) return;
    reported = clock();
    events.pulling(percent);
  };
  events.pulling(0);
  await pullImage(engine.api, { reference, login: undefined, onPercent, signal });
  const image = await findImage(engine.api, reference);
  if (image === undefined) throw new Error(`The image ${reference} was pulled, but is not there.`);
  return image;
}

/**
 * In its container, the emulator has the ports that it has outside, because its addresses are the same there.
 * @throws UserError
 */
function mustBeFree(ports: readonly number[], own: readonly (number | null)[]): void {
  const wanted = ports.find((port) => own.includes(port));
  if (wanted === undefined) return;
  throw new UserError(
    'PORT_OF_EMULATOR',
    `The app's server needs port ${wanted}, at which its container reaches the emulator.`,
    'Start minifal with another --port, such as the default.',
  );
}

/** Another emulator may be making a network of the same name. */
async function startOn({ engine, network }: Link, id: string): Promise<void> {
  for (let left = maxStarts; ; left--) {
    try {
      await engine.api.send({ method: 'POST', path: `/containers/${id}/start` });
      return;
    } catch (error) {
      if (left <= 1 || !isNetworkTrouble(error)) throw error;
      await network();
    }
  }
}

const endedSchema = z.object({ State: z.object({ OOMKilled: z.boolean().optional() }) });
const killedCode = 137;

/** Whether the container ended because its memory wasn't enough. The engine also says so if only a child was ended. */
export async function wasOutOfMemory({ link, id }: NewContainer, code: number): Promise<boolean> {
  if (code !== killedCode) return false;
  const order = { method: 'GET', path: `/containers/${id}/json` } as const;
  const { State } = await link.engine.api.ask(order, endedSchema);
  return State.OOMKilled ?? false;
}

/** Starts it. @returns where its server will answer, and its first process if it is one of this machine */
export async function startContainer({
  link,
  id,
  ports,
}: NewContainer): Promise<{ readonly address: RunnerAddress; readonly pid?: number }> {
  const { api, isVirtualMachine } = link.engine;
  await startOn(link, id);
  const { State, NetworkSettings } = await api.ask({ method: 'GET', path: `/containers/${id}/json` }, startedSchema);
  const [app, metrics] = [ports.app, ports.metrics].map((port) => NetworkSettings.Ports?.[`${port}/tcp`]?.[0]);
  // A container that has ended at once has no ports any more; its end is reported as usual.
  const address = {
    host: app?.HostIp ?? '127.0.0.1',
    port: Number(app?.HostPort ?? 0),
    ...(metrics ? { metricsPort: Number(metrics.HostPort) } : {}),
    isForwarded: true,
  } as const;
  return { address, ...(State.Pid && !isVirtualMachine ? { pid: State.Pid } : {}) };
}
