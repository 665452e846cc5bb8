import { join } from 'node:path';
import type { Virtualenv } from '../../engines/process/virtualenv.ts';
import { toolEnvironment } from '../../local/uv/tool-env.ts';
import type { Mask } from '../../telemetry/masking/mask.ts';
import { sharedBuilds } from '../sharing.ts';
import type { Builder, BuildLog, BuildResult } from '../types.ts';
import { cleanAgents } from './agent.ts';
import { failureOf, fill } from './fill.ts';
import { environmentFolders } from './folders.ts';
import { identify } from './identity.ts';
import { buildNew, pythonOf } from './new.ts';
import { createRunnerPackages, pythonAt } from './runner-packages.ts';

type Log = (line: BuildLog) => void;
type Built = Extract<BuildResult<Virtualenv>, { kind: 'built' }>;

export interface VirtualenvBuilderDeps {
  /** Environments are in `<dataDir>/environments`, the runners' own packages in `<dataDir>/agents`. */
  readonly dataDir: string;
  /** Path of uv; asked for when the first build needs it. May reject with a UserError. */
  readonly uv: () => Promise<string>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Default: this process's environment. Builds see a small part of it. */
  readonly env?: { readonly [name: string]: string | undefined };
  /** The certificates that uv trusts: the machine's and the emulator's. Default: uv's own default. */
  readonly caBundle?: string;
  /**
   * Values for `${NAME}` in requirements and index URLs, by deployment environment; without it placeholders are kept.
   */
  readonly secretValue?: (environmentName: string, name: string) => string | undefined;
  /** Hides secrets in logs and reasons. */
  readonly mask: Mask;
}

/**
 * Virtual environments, built once per content and kept across restarts. Makes no decisions about runners. A failed
 * build is a value with the tool's own message, never an exception. Create one per data folder: it removes unfinished
 * builds at start.
 */
export function createVirtualenvBuilder(deps: VirtualenvBuilderDeps): Builder<Virtualenv> {
  const folders = environmentFolders(join(deps.dataDir, 'environments'));
  const agentsDir = join(deps.dataDir, 'agents');
  const env = toolEnvironment(deps.env ?? process.env, {
    caBundle: deps.caBundle,
    spareCache: join(deps.dataDir, 'cache', 'uv'),
  });
  const shared = sharedBuilds<Virtualenv>();
  const packages = createRunnerPackages(agentsDir, deps.uv, { env, mask: deps.mask });
  const cleaned = Promise.all([folders.clean(), cleanAgents(agentsDir)]);
  const tools = { ...deps, env, folders, packages };

  function finished(hash: string): Built | undefined {
    const build = folders.current(hash);
    if (!build) return undefined;
    const extra = packages.agentFolder(build.pythonMinor);
    if (extra === undefined) return undefined;
    const environment = { kind: 'virtualenv', id: hash, python: pythonOf(build.folder), extraPaths: [extra] } as const;
    return { kind: 'built', environment, cached: true };
  }

  /**
   * The environment with a release of the SDK after everything else. The app may work without it, so if it can't be
   * installed, a log line says what is missing.
   */
  async function withSdk(built: Built, release: string, log: Log): Promise<Built> {
    const { environment } = built;
    const logAt = (level: BuildLog['level']) => (message: string) => log({ at: deps.clock(), level, message });
    const minor = folders.current(environment.id)?.pythonMinor;
    if (minor === undefined) return built;
    const sdk = await packages.sdk(release, pythonAt(environment.python, minor), logAt('INFO'));
    if (sdk.ok)
      return { ...built, environment: { ...environment, extraPaths: [...environment.extraPaths, sdk.folder] } };
    logAt('WARNING')(
      `The app refers to the module fal, and fal ${release} could not be installed for it. ${sdk.reason}`,
    );
    return built;
  }

  return {
    async build(order, log, signal) {
      const { force, sdk } = order;
      const identified = identify(order);
      if (identified.kind === 'failed') return identified;
      const { hash, definition } = identified;
      const filled = fill(definition, order.secretsOf, deps.secretValue);
      if ('kind' in filled) return filled;
      await cleaned;
      const known = force ? undefined : finished(hash);
      const work = (line: Log, abort: AbortSignal) =>
        buildNew(tools, hash, definition, filled, line, abort).catch(failureOf);
      const built = known ?? (await shared.join(hash, log, signal, work));
      return sdk === undefined || built.kind === 'failed' ? built : withSdk(built, sdk, log);
    },

    async close() {
      await shared.close();
      await packages.close();
      await cleaned;
    },
  };
}
