import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isRefusal } from '../../local/docker/api.ts';
import type { ContainerEngine } from '../../local/docker/connect.ts';
import { jsonLines } from '../../local/docker/json-lines.ts';
import { asker, askerLabel, labelFilter, linkLabel, ownerLabel, runnerLabel } from '../../local/docker/labels.ts';
import { ensureNetwork } from './network.ts';

/** What happens to a container that is watched. */
interface ContainerWatcher {
  died(code: number): void;
  /** The container engine is gone or was restarted; what became of the container is not known. */
  lost(): void;
}

/** The connection to the container engine that runners share. Over when the engine is. */
export interface Link {
  /** The value of `linkLabel` for the containers that are created over it. */
  readonly id: string;
  readonly engine: ContainerEngine;
  readonly isLost: boolean;
  /** The id of the runners' network, which exists and is the only one of its name. */
  network(): Promise<string>;
  /** Removes a container: again and again while the engine doesn't answer. Never rejects. */
  remove(containerId: string): Promise<void>;
  /** Reports what happens to a container, until the returned function is called. */
  watch(containerId: string, watcher: ContainerWatcher): () => void;
  close(): void;
}

const eventSchema = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).optional() }),
});
const listSchema = z.array(z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()).nullish() }));

/** How long after a failure a container is removed again. */
const againMs = 5_000;

/**
 * Prepares the engine for runners: their network exists, and containers of an emulator that was killed are gone.
 * Then listens to what happens to containers.
 * @param onLost called once, when the engine is gone
 */
export async function openLink(engine: ContainerEngine, owner: string, onLost: () => void): Promise<Link> {
  const { api } = engine;
  const id = randomUUID();
  const labels = { [ownerLabel]: owner, [runnerLabel]: null };
  const since = Math.floor(Date.now() / 1000) - 1;
  await removeContainers(engine, owner);
  await ensureNetwork(api);
  const watchers = new Map<string, ContainerWatcher>();
  const closing = new AbortController();
  let lost = false;

  async function listen(): Promise<void> {
    try {
      const stream = await api.stream({
        method: 'GET',
        path: '/events',
        query: {
          since: String(since),
          filters: JSON.stringify({
            ...JSON.parse(labelFilter(labels)),
            type: ['container'],
            event: ['create', 'die'],
          }),
        },
        signal: closing.signal,
        isPatient: true,
      });
      for await (const { Action, Actor } of jsonLines(stream, eventSchema)) {
        const attributes = Actor.Attributes ?? {};
        if (Action === 'die') watchers.get(Actor.ID)?.died(Number(attributes.exitCode ?? 0));
        // An emulator that was killed, or an earlier link, may have asked for it just before its end.
        else if (attributes[linkLabel] !== id) void remove(Actor.ID);
      }
    } catch {
      // How the connection ended doesn't matter.
    }
    lost = true;
    if (closing.signal.aborted) return;
    onLost();
    for (const watcher of [...watchers.values()]) watcher.lost();
  }
  async function remove(containerId: string): Promise<void> {
    try {
      await removeContainer(api, containerId);
    } catch {
      // Without a link, the next one removes it.
      if (!lost && !closing.signal.aborted) setTimeout(() => void remove(containerId), againMs).unref();
    }
  }

  // From before this moment on: the engine may answer only when the first event happens.
  void listen();

  return {
    id,
    engine,
    network: () => ensureNetwork(api),
    remove,
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

/** Removes every container that runs or ran a runner of this emulator, and those of questions of killed ones. */
export async function removeContainers({ api }: ContainerEngine, owner: string): Promise<void> {
  const list = (label: string) => {
    const query = { all: '1', filters: labelFilter({ [ownerLabel]: owner, [label]: null }) };
    return api.ask({ method: 'GET', path: '/containers/json', query }, listSchema);
  };
  const [ofRunners, ofQuestions] = await Promise.all([list(runnerLabel), list(askerLabel)]);
  const left = ofQuestions.filter(({ Labels }) => Labels?.[askerLabel] !== asker);
  await Promise.all([...ofRunners, ...left].map(({ Id }) => removeContainer(api, Id)));
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
