import { z } from 'zod';
import { isRefusal } from '../../local/docker/api.ts';
import type { ContainerEngine } from '../../local/docker/connect.ts';
import { jsonLines } from '../../local/docker/json-lines.ts';
import { labelFilter, ownerLabel } from '../../local/docker/labels.ts';
import { networkName } from './container-options.ts';

/** What happens to a container that is watched. */
interface ContainerWatcher {
  died(code: number): void;
  /** The container engine is gone or was restarted; what became of the container is not known. */
  lost(): void;
}

/** The connection to the container engine that runners share. Over when the engine is. */
export interface Link {
  readonly engine: ContainerEngine;
  readonly isLost: boolean;
  /** Reports what happens to a container, until the returned function is called. */
  watch(containerId: string, watcher: ContainerWatcher): () => void;
  close(): void;
}

const eventSchema = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).optional() }),
});
const listSchema = z.array(z.object({ Id: z.string() }));

/**
 * Prepares the engine for runners: their network exists, and containers of an emulator that was killed are gone.
 * Then listens to what happens to containers.
 */
export async function openLink(engine: ContainerEngine, owner: string): Promise<Link> {
  const { api } = engine;
  await removeContainers(engine, owner);
  await ensureNetwork(engine);
  const watchers = new Map<string, ContainerWatcher>();
  const closing = new AbortController();
  let lost = false;

  async function listen(since: number): Promise<void> {
    try {
      const stream = await api.stream({
        method: 'GET',
        path: '/events',
        query: {
          since: String(since),
          filters: JSON.stringify({ type: ['container'], event: ['die'], label: [`${ownerLabel}=${owner}`] }),
        },
        signal: closing.signal,
      });
      for await (const { Actor } of jsonLines(stream, eventSchema)) {
        watchers.get(Actor.ID)?.died(Number(Actor.Attributes?.exitCode ?? 0));
      }
    } catch {
      // How the connection ended doesn't matter.
    }
    lost = true;
    if (closing.signal.aborted) return;
    for (const watcher of [...watchers.values()]) watcher.lost();
  }
  // From before this moment on: the engine may answer only when the first event happens.
  void listen(Math.floor(Date.now() / 1000) - 1);

  return {
    engine,
    get isLost() {
      return lost;
    },
    watch(id, watcher) {
      watchers.set(id, watcher);
      return () => void watchers.delete(id);
    },
    close: () => closing.abort(),
  };
}

/** Removes every container that runs or ran a runner of this emulator. */
export async function removeContainers({ api }: ContainerEngine, owner: string): Promise<void> {
  const filters = labelFilter({ [ownerLabel]: owner });
  const found = await api.ask({ method: 'GET', path: '/containers/json', query: { all: '1', filters } }, listSchema);
  await Promise.all(found.map(({ Id }) => removeContainer(api, Id)));
}

/** Kills and removes a container; it may be gone already. */
export async function removeContainer(api: ContainerEngine['api'], id: string): Promise<void> {
  try {
    await api.send({ method: 'DELETE', path: `/containers/${id}`, query: { force: '1', v: '1' } });
  } catch (error) {
    // 409: it is being removed.
    if (!isRefusal(error, 404, 409)) throw error;
  }
}

async function ensureNetwork({ api }: ContainerEngine): Promise<void> {
  try {
    await api.send({ method: 'GET', path: `/networks/${networkName}` });
    return;
  } catch (error) {
    if (!isRefusal(error, 404)) throw error;
  }
  try {
    await api.send({
      method: 'POST',
      path: '/networks/create',
      body: {
        Name: networkName,
        CheckDuplicate: true,
        Driver: 'bridge',
        Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      },
    });
  } catch (error) {
    // Another emulator has just created it.
    if (!isRefusal(error, 409)) throw error;
  }
}
