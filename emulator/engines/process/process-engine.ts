import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { throwLater } from '../../local/loop/contain.ts';
import { UserError } from '../../wire/errors.ts';
import type { Missing } from '../../wire/isolation.ts';
import type { Engine } from '../engine.ts';
import { neverStarted } from '../never-started.ts';
import { createBytecode } from './disk/bytecode.ts';
import { trimCompileCaches, useCompileCache } from './disk/compile-caches.ts';
import { runnerFolder } from './disk/folder.ts';
import { createLayerSizes } from './disk/layer-sizes.ts';
import { createRemovals, sweepFolders } from './disk/removal.ts';
import { probeMachine } from './machine-probe.ts';
import { createMissing } from './missing.ts';
import type { ProcessEngineDeps } from './options.ts';
import { createRunner } from './runner/runner.ts';
import { createShells } from './shell/shell.ts';
import { startSupervisor } from './supervisor.ts';
import { createSupervisors, keyOf } from './supervisors.ts';
import { createSurroundings } from './surroundings.ts';
import type { Virtualenv } from './virtualenv.ts';

const probeName = '.probe';
/** At the end of the engine: time limit for removing what runners left on their disks. */
const lastRemovalsMs = 5_000;

export interface ProcessEngine extends Engine<Virtualenv> {
  /** What this machine doesn't let runners have, as far as `probe` or the first runner found out. */
  missing(): readonly Missing[];
  /** Finds that out before the first runner; resolves to the result so far. Never rejects. */
  probe(): Promise<readonly Missing[]>;
}

/**
 * Runs runners as processes of this machine. Those of one environment run below a supervisor that ends them when this
 * process dies, also by SIGKILL.
 */
export function createProcessEngine(deps: ProcessEngineDeps): ProcessEngine {
  const { dataDir, runnerSources, report = throwLater, isolation = 'off' } = deps;
  const runnersDir = join(dataDir, 'runners');
  const probeDir = join(runnersDir, probeName);
  mkdirSync(probeDir, { recursive: true });
  // Left by a probe that was killed; nothing uses the folder yet.
  const leftByProbes = namesIn(probeDir);
  const { clock = () => Date.now() } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  const missing = createMissing((sentence) => deps.onLimit?.(sentence));
  const surroundings = createSurroundings(deps, probeDir);
  const shells = createShells(runnerSources, report);
  const layerSizes = createLayerSizes(dataDir, report, deps.layerLimits);
  const bytecode = createBytecode();
  const removals = createRemovals();
  for (const name of leftByProbes) void removals.remove(join(probeDir, name));
  const spawnOnly = new Set<string>();
  let probing: Promise<unknown> = Promise.resolve();
  const supervisors = createSupervisors((environment, { onMessage, onGone }) => {
    const { python } = environment;
    const [config, env] = [surroundings.config(environment), surroundings.machine(environment)];
    return startSupervisor({
      python,
      runnerSources,
      config,
      env,
      onMessage(message) {
        if (message.event === 'started') missing.found(message.missing);
        onMessage(message);
      },
      onGone,
    });
  }, report);
  const swept = sweepFolders(runnersDir, [probeName], signal).catch(report);
  const maxBytes = deps.maxCompiledBytes;
  // A supervisor shows its environment's cache to every runner.
  const trimmed = trimCompileCaches(dataDir, supervisors.has, {
    ...(maxBytes === undefined ? {} : { maxBytes }),
    signal,
  });
  void removals.add(trimmed.catch(report));

  function noteUse({ id }: Virtualenv): void {
    try {
      if (isolation !== 'off') useCompileCache(dataDir, id, clock());
    } catch (error) {
      report(error);
    }
  }

  return {
    /** The supervisor needs half a second for its imports. */
    warm(environment) {
      if (!signal.aborted) supervisors.warm(environment);
    },

    wantPlaces: supervisors.wantPlaces,

    missing: missing.all,

    async probe() {
      const asked = probeMachine({ runnerSources, ...surroundings.probe(), signal });
      probing = asked;
      const found = await asked;
      if (found && !signal.aborted) missing.found(found);
      return missing.all();
    },

    start(spec, events) {
      if (signal.aborted) return neverStarted(spec.runnerId, events);
      const { environment } = spec;
      const machine = surroundings.machine(environment);
      const slot = supervisors.join(environment, spec.runnerId);
      noteUse(environment);
      const runner = createRunner({
        spec,
        events,
        folder: runnerFolder(join(runnersDir, spec.runnerId)),
        machine,
        env: surroundings.variables(spec),
        shells,
        addresses: deps.emulatorAddresses ?? ['127.0.0.1', '::1'],
        clock,
        report,
        startMethod: () => (surroundings.canFork && !spawnOnly.has(keyOf(environment)) ? 'fork' : 'spawn'),
        avoidFork: () => spawnOnly.add(keyOf(environment)),
        send: slot.send,
        sharesPorts: () => (isolation === 'full' && !missing.has('addresses') ? null : isolation),
        layerSizes,
        keepBytecode: (upper) => bytecode.keep(environment.python, machine, upper),
        remove: removals.remove,
        debugpy: deps.debugpy ?? noDebugpy,
        onExited: slot.leave,
      });
      slot.take(runner);
      return runner.handle;
    },

    async close() {
      closing.abort();
      layerSizes.close();
      bytecode.close();
      await Promise.all([supervisors.close(), shells.close(), swept, probing]);
      // A probe that was ended leaves folders that can be removed only with their owner's permissions.
      for (const name of namesIn(probeDir)) void removals.remove(join(probeDir, name));
      await removals.settled(lastRemovalsMs);
    },
  };
}

async function noDebugpy(): Promise<never> {
  throw new UserError('DEBUG_UNSUPPORTED', 'This emulator has no debugger.', 'Start it as `minifal start`.');
}

/** None where the folder is gone, as after the data folder was deleted. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
