import { join } from 'node:path';
import type { Shares } from '../../wire/isolation.ts';
import type { RunnerSpec } from '../engine.ts';
import { compileCacheOf } from './disk/compile-caches.ts';
import type { SupervisorConfig } from './messages.ts';
import type { ProcessEngineDeps } from './options.ts';
import { compileCaches, machineEnvironment, runnerEnvironment } from './variables.ts';
import type { Virtualenv } from './virtualenv.ts';

type Variables = Record<string, string>;

/** What runners and their supervisors get from this machine. */
export interface Surroundings {
  /** Whether a supervisor can fork runners. */
  readonly canFork: boolean;
  /** The machine's variables for processes of an environment. */
  machine(environment: Virtualenv): Variables;
  /** A runner's variables. */
  variables(spec: RunnerSpec<Virtualenv>): Variables;
  /** The configuration for the supervisor of an environment. */
  config(environment: Virtualenv): SupervisorConfig;
  /**
   * For a probe of the machine before any environment is known: the configuration, and the variables of the probe's
   * process.
   */
  probe(): { readonly config: SupervisorConfig; readonly env: Variables };
}

/** `probeDir`: an empty folder that belongs to us. */
export function createSurroundings(deps: ProcessEngineDeps, probeDir: string): Surroundings {
  const { dataDir, isolation = 'off', hostEnv = process.env } = deps;
  const canFork = process.platform === 'linux';

  function configWith(extraPaths: readonly string[], compiled: string): SupervisorConfig {
    return {
      extraPaths,
      preload: canFork,
      isolation,
      disk: { dataFolder: dataDir, ...shownTo(deps.shares, deps.shown), compiled },
      mayBeOutside: deps.allowOutside ?? false,
      probeDir,
    };
  }

  const machine = ({ python }: Virtualenv): Variables => machineEnvironment(hostEnv, python);

  /** A runner's own disk has a /tmp, so it doesn't get the user's folder for temporary files. */
  function ownTemporary({ TMPDIR, ...rest }: Variables): Variables {
    return TMPDIR === undefined || isolation === 'off' || !canFork ? { ...rest, ...(TMPDIR ? { TMPDIR } : {}) } : rest;
  }

  return {
    canFork,
    machine,
    variables({ environment, env }) {
      const caches = isolation === 'off' ? {} : compileCaches(compileCacheOf(dataDir, environment.id));
      return runnerEnvironment(ownTemporary(machine(environment)), { ...caches, ...env }, deps.runnerSources);
    },
    config: ({ id, extraPaths }) => configWith(extraPaths, compileCacheOf(dataDir, id)),
    probe: () => ({
      config: configWith([], join(probeDir, 'compiled')),
      env: { ...machineEnvironment(hostEnv, 'python3'), PATH: hostEnv.PATH ?? '/usr/bin:/bin' },
    }),
  };
}

function shownTo(shares: Shares = { folders: [] }, ours: readonly string[] = []) {
  const paths = (isWritable: boolean) =>
    shares.folders.filter(({ writable }) => writable === isWritable).map(({ path }) => path);
  return { shown: [...ours, ...paths(false)], shared: paths(true), huggingFace: shares.huggingFace ?? null };
}
