import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Report, throwLater } from '../../local/loop/contain.ts';
import { inSlices } from '../../local/loop/slices.ts';
import type { IsolationMode, Missing, Shares } from '../../wire/isolation.ts';
import type { Engine } from '../engine.ts';
import { neverStarted } from '../never-started.ts';
import { createBytecode } from './disk/bytecode.ts';
import { compileCacheOf, trimCompileCaches, useCompileCache } from './disk/compile-caches.ts';
import { removeFolder, runnerFolder, sweepFolders } from './disk/folder.ts';
import { createLayerSizes, type LayerLimits } from './disk/layer-sizes.ts';
import { probeMachine } from './machine-probe.ts';
import type { StartMethod, SupervisorConfig } from './messages.ts';
import { missingWords } from './missing.ts';
import { createRunner, type ProcessRunner } from './runner/runner.ts';
import { createShells } from './shell/shell.ts';
import { type Supervisor, startSupervisor } from './supervisor.ts';
import { compileCaches, machineEnvironment, runnerEnvironment } from './variables.ts';
import type { Virtualenv } from './virtualenv.ts';

/** A supervisor without runners goes after this time: a changed requirement leaves the old environment behind. */
const idleSupervisorMs = 600_000;
const probeName = '.probe';
/** At the end, for what runners left on their disks. */
const lastRemovalsMs = 5_000;

interface Crew {
  readonly supervisor: Supervisor;
  readonly runners: Map<string, ProcessRunner>;
  idle: NodeJS.Timeout | null;
}

export interface ProcessEngine extends Engine<Virtualenv> {
  /** What this machine doesn't let runners have, as far as `probe` or the first of them found out. */
  missing(): readonly Missing[];
  /** Finds that out before the first runner; resolves with what is known then. Never rejects. */
  probe(): Promise<readonly Missing[]>;
}

/**
 * Runs runners as processes of this machine, each environment's below a supervisor that ends them when this process
 * dies, also by SIGKILL. `dataDir`: runners' folders are made below it. `runnerSources`: the folder of supervisor.py.
 * `emulatorAddresses`: those of our own addresses from which the SDK's toolkit may download although they are loopback.
 * `hostEnv`: the environment of which runners get the few variables that describe the machine.
 */
export function createProcessEngine(deps: {
  readonly dataDir: string;
  readonly runnerSources: string;
  readonly emulatorAddresses?: readonly string[];
  readonly hostEnv?: NodeJS.ProcessEnv;
  readonly clock?: { now(): number };
  /** `off` unless given. */
  readonly isolation?: IsolationMode;
  /** What a runner's own disk may hold; for tests. */
  readonly layerLimits?: LayerLimits;
  /** What compile caches that nobody uses may take at a start, together; for tests. */
  readonly mostCompiledBytes?: number;
  /** Files and folders of ours that runners with a disk of their own may read. */
  readonly shown?: readonly string[];
  /** What of the machine they may see besides. */
  readonly shares?: Shares | undefined;
  /**
   * Servers of runners without addresses of their own may listen where other machines reach them; else it is a
   * runner's end.
   */
  readonly allowOutside?: boolean;
  /** Hears once, in a sentence, what this machine doesn't let runners have. */
  readonly onLimit?: (sentence: string) => void;
  /** Hears of bugs, ours and those of who is called back. Each ends the one runner that it was about. */
  readonly report?: Report;
}): ProcessEngine {
  const { report = throwLater, isolation = 'off' } = deps;
  const crews = new Map<string, Crew>();
  const shells = createShells(deps.runnerSources, report);
  const layerSizes = createLayerSizes(deps.dataDir, report, deps.layerLimits);
  const bytecode = createBytecode();
  const spawnOnly = new Set<string>();
  const removals = new Set<Promise<void>>();
  const canFork = process.platform === 'linux';
  const runnersDir = join(deps.dataDir, 'runners');
  const probeDir = join(runnersDir, probeName);
  const now = () => deps.clock?.now() ?? Date.now();
  let closed = false;
  mkdirSync(probeDir, { recursive: true });
  const closing = new AbortController();
  const swept = sweepFolders(runnersDir, [probeName], closing.signal).catch(report);

  const trimmed = trimCompileCaches(deps.dataDir, usesCompileCache, {
    ...(deps.mostCompiledBytes === undefined ? {} : { most: deps.mostCompiledBytes }),
    signal: closing.signal,
  }).catch(report);

  const known = new Map<Missing['part'], Missing>();
  /** The machine is the same for all of them: each part is said once. */
  function sayMissing(missing: readonly Missing[]): void {
    for (const one of missing) {
      if (known.has(one.part)) continue;
      known.set(one.part, one);
      deps.onLimit?.(missingWords(one));
    }
  }

  /** Ends when the emulator does: what is left then would stay until the next one sweeps. */
  function remove(path: string): Promise<void> {
    const removal = removeFolder(path).finally(() => removals.delete(removal));
    removals.add(removal);
    return removal;
  }

  /** Its supervisor shows it to each runner. */
  function usesCompileCache(environmentId: string): boolean {
    return [...crews.keys()].some((key) => key.startsWith(`${environmentId}\n`));
  }

  function noteUse({ id }: Virtualenv): void {
    try {
      if (isolation !== 'off') useCompileCache(deps.dataDir, id, now());
    } catch (error) {
      report(error);
    }
  }

  function machine(environment: Virtualenv): Record<string, string> {
    return machineEnvironment(deps.hostEnv ?? process.env, environment.python);
  }

  /** Its own disk has a /tmp: the person's folder for temporary files is none of a runner's. */
  function ownTemporary({ TMPDIR, ...rest }: Record<string, string>): Record<string, string> {
    return TMPDIR === undefined || isolation === 'off' || !canFork ? { ...rest, ...(TMPDIR ? { TMPDIR } : {}) } : rest;
  }

  function configFor(extraPaths: readonly string[], compiled: string): SupervisorConfig {
    return {
      extraPaths,
      preload: canFork,
      isolation,
      disk: { dataFolder: deps.dataDir, ...shownTo(deps.shares, deps.shown), compiled },
      mayBeOutside: deps.allowOutside ?? false,
      probeDir,
    };
  }

  function crewOf(environment: Virtualenv): Crew {
    const key = keyOf(environment);
    const there = crews.get(key);
    if (there) return there;
    const runners = new Map<string, ProcessRunner>();
    const supervisor = startSupervisor({
      python: environment.python,
      runnerSources: deps.runnerSources,
      config: configFor(environment.extraPaths, compileCacheOf(deps.dataDir, environment.id)),
      env: machine(environment),
      onMessage(message) {
        if (message.event === 'started') sayMissing(message.missing);
        runners.get(message.id)?.receive(message);
      },
      onGone: (reason, cause) => {
        if (crews.get(key) === crew) crews.delete(key);
        inSlices([...runners.values()], (runner) => runner.lost(reason, cause)).catch(report);
      },
    });
    const crew: Crew = { supervisor, runners, idle: null };
    crews.set(key, crew);
    return crew;
  }

  function dismissWhenIdle(key: string, crew: Crew): void {
    if (crew.runners.size > 0 || closed) return;
    crew.idle = setTimeout(() => {
      if (crews.get(key) === crew) crews.delete(key);
      void crew.supervisor.close();
    }, idleSupervisorMs).unref();
  }

  return {
    /** Its supervisor imports for half a second. */
    warm(environment) {
      const key = keyOf(environment);
      if (!closed && !crews.has(key)) dismissWhenIdle(key, crewOf(environment));
    },

    missing: () => [...known.values()],

    async probe() {
      const hostEnv = deps.hostEnv ?? process.env;
      const found = await probeMachine({
        runnerSources: deps.runnerSources,
        config: configFor([], join(probeDir, 'compiled')),
        env: { ...machineEnvironment(hostEnv, 'python3'), PATH: hostEnv.PATH ?? '/usr/bin:/bin' },
        signal: closing.signal,
      });
      if (found && !closed) sayMissing(found);
      return [...known.values()];
    },

    start(spec, events) {
      if (closed) return neverStarted(spec.runnerId, events);
      const { environment } = spec;
      const crew = crewOf(environment);
      noteUse(environment);
      if (crew.idle) clearTimeout(crew.idle);
      crew.idle = null;
      const runner = createRunner({
        spec,
        events,
        folder: runnerFolder(join(runnersDir, spec.runnerId)),
        machine: machine(environment),
        env: runnerEnvironment(
          ownTemporary(machine(environment)),
          isolation === 'off'
            ? spec.env
            : { ...compileCaches(compileCacheOf(deps.dataDir, environment.id)), ...spec.env },
          deps.runnerSources,
        ),
        shells,
        addresses: deps.emulatorAddresses ?? ['127.0.0.1', '::1'],
        now,
        report,
        startMethod: (): StartMethod => (canFork && !spawnOnly.has(keyOf(environment)) ? 'fork' : 'spawn'),
        avoidFork: () => spawnOnly.add(keyOf(environment)),
        send: (command) => crew.supervisor.send(command),
        sharesPorts: () => (isolation === 'full' && !known.has('addresses') ? null : isolation),
        layerSizes,
        keepBytecode: (upper) => bytecode.keep(environment.python, machine(environment), upper),
        remove,
        onExited: () => {
          crew.runners.delete(spec.runnerId);
          dismissWhenIdle(keyOf(environment), crew);
        },
      });
      crew.runners.set(spec.runnerId, runner);
      return runner.handle;
    },

    async close() {
      closed = true;
      closing.abort();
      layerSizes.close();
      bytecode.close();
      for (const crew of crews.values()) for (const runner of crew.runners.values()) runner.handle.kill();
      await Promise.all([...[...crews.values()].map((crew) => crew.supervisor.close()), shells.close(), swept]);
      await Promise.race([Promise.all([...removals, trimmed]), sleep(lastRemovalsMs, undefined, { ref: false })]);
    },
  };
}

/** A forced rebuild keeps the id but has new folders: what the old supervisor imported is not in them. */
function keyOf(environment: Virtualenv): string {
  return [environment.id, environment.python, ...environment.extraPaths].join('\n');
}

function shownTo(shares: Shares = { folders: [] }, ours: readonly string[] = []) {
  const paths = (isWritable: boolean) =>
    shares.folders.filter(({ writable }) => writable === isWritable).map(({ path }) => path);
  return { shown: [...ours, ...paths(false)], shared: paths(true), huggingFace: shares.huggingFace ?? null };
}
