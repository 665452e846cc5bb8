import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnectionLimits } from './edge/connection-limits.ts';
import { peersOf } from './edge/peers.ts';
import { openPorts, type Ports } from './edge/ports.ts';
import { finishMs } from './fleet/fleet.ts';
import type { Fleet } from './fleet/types.ts';
import { Stop } from './local/loop/stop-signal.ts';
import { createCompute } from './main/compute.ts';
import { createEdges } from './main/edges.ts';
import { openFoundations, prepareGround } from './main/foundations.ts';
import { openGpus } from './main/gpus.ts';
import type { EmulatorOptions } from './main/options.ts';
import { createPromises } from './main/promises.ts';
import { recover } from './main/recover.ts';
import { startUpkeep } from './main/upkeep.ts';
import type { Missing } from './wire/isolation.ts';

export interface Emulator {
  readonly ports: Ports;
  /** What a person should know: what was damaged, what was dropped. */
  readonly notices: readonly string[];
  /** Writes a bug down in the emulator's own log. */
  report(error: unknown): void;
  /** Hides secrets and keys in a text that is shown. */
  mask(text: string): string;
  /**
   * Finds out what of its isolation this machine doesn't let runners have; each part is said once. Never rejects. It
   * takes a Python for a moment, so it has its time after the start.
   */
  probeIsolation(): Promise<readonly Missing[]>;
  /** Gives runners their grace, then ends them; commits what is pending; frees the ports. */
  close(): Promise<void>;
}

/** At the end: for answers that are ready, but not read yet. */
const finalResponsesMs = 1_000;

/**
 * Opens, composes the wings of main/, recovers, listens; closes in reverse order. Read top to bottom: the architecture.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const ground = await prepareGround(options);
  const { ownLog, mask } = ground;
  const onRefused = (sentence: string) => ownLog.info('connections', sentence);
  const limits = createConnectionLimits({ peersOf, onRefused });
  // Before what takes long, or waits for a lock: calls that come early wait here.
  const open = await openPorts(options.port, ground.tls, limits);
  try {
    const [foundations, machineGpus] = await Promise.all([openFoundations(options, ground), openGpus(options, ground)]);
    const { report } = foundations;
    const promises = createPromises(options, foundations);
    const given = { hosts: open.hosts, runnerSources: runnerSources(), machineGpus };
    const compute = createCompute(options, foundations, promises, given);
    const { fleet } = compute;
    const stopping = new Stop();
    const isStopping = () => stopping.aborted;
    const edges = createEdges(options, { foundations, promises, compute, open, limits, isStopping });

    await recover(foundations, promises, fleet, edges.requests);
    open.serve(edges.handlers, report);
    const endUpkeep = startUpkeep(options.folder, foundations, promises, isStopping);
    ownLog.info('main', 'listening', { ...open.ports });

    return {
      ports: open.ports,
      notices: foundations.notices(),
      report,
      mask,
      probeIsolation: compute.isolation.probe,
      async close() {
        endUpkeep();
        stopping.abort();
        announceRunning(fleet, options.print);
        edges.hangUp();
        await compute.endRunners();
        await promises.settle();
        await open.answered(finalResponsesMs);
        await Promise.all([edges.close(), open.close(), compute.close()]);
        await promises.close();
        foundations.close();
        ownLog.info('main', 'stopped');
      },
    };
  } catch (error) {
    await open.close();
    throw error;
  }
}

function announceRunning(fleet: Pick<Fleet, 'runners'>, print: (sentence: string) => void): void {
  const running = fleet
    .runners()
    .reduce((sum, { state }) => sum + ('attempts' in state ? state.attempts.length : 0), 0);
  if (running === 0) return;
  const [requests, they] = running === 1 ? ['A request is', 'it runs'] : [`${running} requests are`, 'they run'];
  print(
    `${requests} running and may take ${finishMs / 1000} s to finish. A second signal stops minifal immediately; ` +
      `${they} again after the next start.`,
  );
}

/** The runners' Python is next to the sources, and next to the bundle. */
function runnerSources(): string {
  return join(dirname(fileURLToPath(import.meta.url)), 'runner');
}
