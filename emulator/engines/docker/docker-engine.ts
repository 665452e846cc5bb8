import { join } from 'node:path';
import type { EngineUse } from '../../local/docker/use.ts';
import { type Report, throwLater } from '../../local/loop/contain.ts';
import type { Engine, RunnerHandle } from '../engine.ts';
import { neverStarted } from '../never-started.ts';
import type { ContainerImage } from './image.ts';
import type { ImageDebuggers } from './isolated/debug.ts';
import { createPlaces } from './isolated/places.ts';
import { createIsolatedRunner } from './isolated/runner.ts';
import { type Link, openLink, removeContainers } from './link.ts';
import { createContainerRunner } from './runner.ts';

/** How often an engine that is gone is looked for. */
const reopenMs = 2_000;

export interface DockerEngineDeps {
  readonly use: EngineUse;
  /** The folder `runner/`. */
  readonly runnerSources: string;
  /** Contains a folder for each runner. */
  readonly runnersDir: string;
  /** The folder for programs of ours. */
  readonly tools: string;
  /** The certificates that runners trust. */
  readonly caBundle?: string;
  readonly debuggers: ImageDebuggers;
  readonly clock?: () => number;
  /** How long a container may take to end after it was killed. */
  readonly killMs?: number;
  readonly report?: Report;
}

/** Runs images as they are, and functions of the SDK in images; each runner in a container of its own. */
export function createDockerEngine(deps: DockerEngineDeps): Engine<ContainerImage> {
  const { use, caBundle, clock = Date.now, killMs = 30_000, report = throwLater } = deps;
  const places = createPlaces();
  const live = new Map<RunnerHandle, Promise<void>>();
  let link: Promise<Link> | undefined;
  let isClosed = false;

  /** Opened with the first runner, and again after the engine was restarted. */
  async function currentLink(): Promise<Link> {
    const known = await link?.catch(() => undefined);
    if (known !== undefined && !known.isLost) return known;
    const opening = use.engine().then((engine) => openLink(engine, use.owner, reopen));
    link = opening;
    return opening;
  }
  let opening: Promise<Link> | undefined;
  /** One at a time: opening removes containers that nobody knows. */
  const sharedLink = (): Promise<Link> => {
    opening ??= currentLink().finally(() => {
      opening = undefined;
    });
    return opening;
  };

  /** Removes what the runners of a lost link left, when the engine is back. */
  function reopen(): void {
    if (isClosed) return;
    sharedLink().catch(() => void setTimeout(reopen, reopenMs).unref());
  }

  // What an emulator left that was killed. Without the container engine it is gone, too, or is removed later.
  if (use.wasUsed) reopen();

  return {
    warm: () => undefined,
    wantPlaces: places.want,

    start(spec, events) {
      if (isClosed) return neverStarted(spec.runnerId, events);
      let onExited: () => void = () => undefined;
      const exited = new Promise<void>((resolve) => {
        onExited = resolve;
      });
      const order = {
        ...deps,
        spec,
        folder: join(deps.runnersDir, spec.runnerId),
        events,
        link: sharedLink,
        owner: use.owner,
        caBundle,
        clock,
        killMs,
        report,
        onExited() {
          live.delete(handle);
          onExited();
        },
      };
      const { isolated } = spec.environment;
      const handle: RunnerHandle =
        isolated === undefined ? createContainerRunner(order) : createIsolatedRunner({ ...order, isolated, places });
      live.set(handle, exited);
      return handle;
    },

    async close() {
      isClosed = true;
      for (const handle of live.keys()) handle.kill();
      await Promise.all(live.values());
      const known = await link?.catch(() => undefined);
      if (known === undefined) return;
      // Those whose runners were not disposed of yet.
      await removeContainers(known.engine, use.owner).catch(() => undefined);
      known.close();
    },
  };
}
