import type { RunnerAddress, RunnerHandle } from '../../engine.ts';
import { acceptsConnections, probeHealth } from '../../health/health.ts';
import type { Debugging } from '../../supervised/debugging.ts';
import type { RunnerLines } from '../../supervised/lines.ts';
import type { Swaps } from '../../supervised/swaps.ts';
import { environmentUpper } from '../disk/folder.ts';
import type { Place } from '../shell/shell.ts';
import type { RunnerDeps } from './deps.ts';
import type { Life } from './life.ts';

/** What the engine's owner can do with a runner. */
export function handleOf(
  deps: RunnerDeps,
  runner: {
    readonly life: Life;
    readonly lines: RunnerLines;
    readonly swaps: Swaps;
    readonly debugging: Debugging;
    /** Its address, once it is ready. */
    readonly address: () => RunnerAddress | null;
    readonly place: () => Promise<Place>;
    readonly ended: AbortSignal;
  },
): RunnerHandle {
  const { spec, folder, machine, env } = deps;
  const { life, lines, swaps, debugging, ended } = runner;
  const id = spec.runnerId;
  return {
    runnerId: id,
    call: () => deps.send({ op: 'call', id }),
    terminate: () => life.ask('terminate'),
    kill: () => life.ask('kill'),
    async probe(timeoutSeconds) {
      const address = runner.address();
      if (address === null) return false;
      return (await probeHealth(address, spec.health, timeoutSeconds, lines.noteProbe)) !== 'unhealthy';
    },
    async checkTcp() {
      const address = runner.address();
      return address !== null && (await acceptsConnections(address, spec.health.timeoutSeconds)) !== 'unhealthy';
    },
    flushLines: lines.allReported,
    swap: swaps.swap,
    debug: debugging.debug,
    undebug: debugging.undebug,
    stacks: debugging.stacks,
    exec(command, options, io) {
      const { python } = spec.environment;
      const { appDir } = folder;
      const target = { python, machine, env, appDir, dataDir: spec.dataDir, place: runner.place(), ended };
      return deps.shells.open(target, command, options, io);
    },
    async dispose() {
      const method = life.method();
      if (method !== null) await deps.keepBytecode(environmentUpper(folder, method));
      await deps.remove(folder.path);
    },
  };
}
