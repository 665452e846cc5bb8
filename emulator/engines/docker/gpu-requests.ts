import { EngineRefusal } from '../../local/docker/api.ts';
import type { ContainerEngine } from '../../local/docker/connect.ts';
import { UserError } from '../../wire/errors.ts';
import type { RunnerSpec } from '../engine.ts';

type Gpus = NonNullable<RunnerSpec['gpus']>;

/** An entry of `HostConfig.DeviceRequests`. */
export interface DeviceRequest {
  readonly Driver: string;
  readonly DeviceIDs: readonly string[];
  readonly Capabilities: readonly (readonly string[])[];
}

/** A way to ask the engine for GPUs; `null`: these have no such names. */
type Way = (gpus: Gpus) => DeviceRequest | null;

/** The container toolkit of NVIDIA, which Docker knows if its hook is on the engine's PATH. */
const byToolkit: Way = (gpus) => ({
  Driver: 'nvidia',
  DeviceIDs: gpus.map(({ uuid }) => uuid),
  Capabilities: [['gpu']],
});
/** The Container Device Interface. The machine's description of its GPUs names them by UUID, by number, or by both. */
const byCdi = (names: readonly string[]): DeviceRequest => ({
  Driver: 'cdi',
  DeviceIDs: names.map((name) => `nvidia.com/gpu=${name}`),
  Capabilities: [],
});
const byCdiUuid: Way = (gpus) => byCdi(gpus.map(({ uuid }) => uuid));
const byCdiNumber: Way = (gpus) =>
  // The number of a part is that of its whole GPU.
  gpus.some(({ uuid }) => uuid.startsWith('MIG-')) ? null : byCdi(gpus.map(({ index }) => String(index)));

const ways = [byToolkit, byCdiUuid, byCdiNumber] as const;
/** What the engine says when it is asked in a way that it doesn't have. */
const unknownWay = /could not select device driver/i;
const noSuchGpus = /unresolvable CDI device|CDI device injection/i;

/** The way that an engine has accepted. */
const accepted = new WeakMap<ContainerEngine, Way>();

/** Whether the engine doesn't give these GPUs in the way in which it was asked. */
export function isGpuRefusal(error: unknown): error is EngineRefusal {
  return error instanceof EngineRefusal && (unknownWay.test(error.message) || noSuchGpus.test(error.message));
}

/**
 * Starts a container with these GPUs: asks for them in one way after the other, until the engine accepts one.
 * @param start rejects with the engine's refusal, after which nothing is left of the container
 * @throws UserError if the engine accepts none
 */
export async function startWithGpus<T>(
  engine: ContainerEngine,
  gpus: Gpus,
  start: (requests: readonly DeviceRequest[]) => Promise<T>,
): Promise<T> {
  if (gpus.length === 0) return start([]);
  const known = accepted.get(engine);
  const words: string[] = [];
  for (const way of known === undefined ? ways : [known, ...ways.filter((other) => other !== known)]) {
    const request = way(gpus);
    if (request === null) continue;
    try {
      const started = await start([request]);
      accepted.set(engine, way);
      return started;
    } catch (error) {
      if (!isGpuRefusal(error)) throw error;
      words.push(error.message);
    }
  }
  throw noGpus(engine, words);
}

function noGpus({ name }: ContainerEngine, words: readonly string[]): UserError {
  const [first] = words;
  const said = words.find((text) => noSuchGpus.test(text)) ?? first;
  return new UserError(
    'DOCKER_NO_GPU',
    `The container engine (${name}) gives no GPU to containers: ${said}.`,
    'Install the NVIDIA Container Toolkit, run `sudo nvidia-ctk runtime configure` and restart the engine; or start ' +
      'minifal with virtual GPUs (such as `--gpus 1xH100`), with which the app runs without a GPU.',
  );
}
