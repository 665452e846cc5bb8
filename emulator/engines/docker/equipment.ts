import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { namesBelowLocalhost } from '../../wire/hosts.ts';
import type { RunnerSpec } from '../engine.ts';
import type { ContainerInside } from './container-options.ts';
import { carryTo, type Sockets, socketsIn } from './sockets.ts';
import { handOverVariables, variablesSocket } from './variables.ts';

/** Where a container has the folder of the sockets. */
export const socketsInside = '/minifal/run';
/** Variables with the addresses of the emulator's hosts, and the one with the port for labels. */
const hostVariables = ['FAL_HOST', 'FAL_RUN_HOST', 'FAL_QUEUE_RUN_HOST', 'FAL_WS_RUN_HOST'] as const;
const labelsVariable = 'NOMAD_ALLOC_PORT_grpc';

/** What a runner's container has from us, and lasts as long. */
export interface Equipment {
  /** Makes it, before the container is created. */
  prepare(): Promise<ContainerInside>;
  /** The container is gone. */
  close(): void;
}

/**
 * The way from a container to the emulator, at the same addresses as on this machine, and its secret variables.
 * @param folder the runner's own, which nobody else reaches
 * @param listen adds sockets of the caller's own
 */
export function createEquipment(
  env: RunnerSpec['env'],
  folder: string,
  listen: (sockets: Sockets) => Promise<void> = async () => undefined,
): Equipment {
  let sockets: Sockets | null = null;
  return {
    async prepare() {
      const run = join(folder, 'run');
      await makeShown(run);
      const made = socketsIn(run);
      sockets = made;
      await handOverVariables(made, env);
      await listen(made);
      const ports = portsOf(env);
      for (const port of ports) await made.listen(String(port), (socket) => carryTo(port, socket));
      return {
        ports,
        carried: [`=${socketsInside}/${variablesSocket}`, ...ports.map((port) => `${port}=${socketsInside}/${port}`)],
        mounts: { [socketsInside]: run },
        hosts: namesBelowLocalhost,
      };
    },
    close() {
      sockets?.close();
      sockets = null;
    },
  };
}

/** Makes a folder that any user of an image can read: the data folder keeps everybody else away. */
export async function makeShown(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}

/** The emulator's ports that a runner calls. */
function portsOf(env: RunnerSpec['env']): readonly number[] {
  const named = hostVariables.map((name) => /:(\d+)$/.exec(env[name] ?? '')?.[1]);
  return [...new Set([...named, env[labelsVariable]].filter((port) => port !== undefined).map(Number))];
}
