import { join } from 'node:path';
import { firstProcess } from '../../engines/docker/first-process.ts';
import type { IsolatedPython } from '../../engines/docker/image.ts';
import { openToAll } from '../../local/open-to-all.ts';
import { toolEnvironment } from '../../local/uv/tool-env.ts';
import { passwordsIn } from '../../telemetry/masking/logins.ts';
import type { Mask } from '../../telemetry/masking/mask.ts';
import type { BuildFailure, EnvironmentDefinition } from '../types.ts';
import { cleanAgents } from '../virtualenv/agent.ts';
import { fill } from '../virtualenv/fill.ts';
import { type IdentifiedEnvironment, identify } from '../virtualenv/identity.ts';
import { createRunnerPackages, type TargetPython } from '../virtualenv/runner-packages.ts';
import { type ImagePython, mustBePickledFor } from './image-python.ts';
import { runnerProgram } from './runner-program.ts';

export interface FunctionsDeps {
  readonly dataDir: string;
  /** The folder `runner/`. */
  readonly runnerSources: string;
  /** Path of uv; may reject with a UserError. */
  readonly uv: () => Promise<string>;
  /** Default: this process's environment. */
  readonly env?: { readonly [name: string]: string | undefined };
  readonly caBundle?: string | undefined;
  readonly secretValue?: (environmentName: string, name: string) => string | undefined;
  readonly mask: Mask;
}

export type Prepared = { readonly kind: 'prepared'; readonly hash: string; readonly isolated: IsolatedPython };

/** Versions of glibc that uv knows as platforms, the newest first. */
const glibcs = [40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17] as const;

/** Contains a folder for each platform of images. */
export function packagesFolder(dataDir: string): string {
  return join(dataDir, 'agents', 'images');
}

/**
 * What functions need besides their image: packages for the image's own Python, in folders of this machine that are
 * mounted. The image stays as it is.
 */
export function createFunctions(deps: FunctionsDeps) {
  const packagesDir = packagesFolder(deps.dataDir);
  const env = toolEnvironment(deps.env ?? process.env, {
    caBundle: deps.caBundle,
    spareCache: join(deps.dataDir, 'cache', 'uv'),
  });
  const byMinor = new Map<string, Promise<string>>();
  const byPlatform = new Map<string, Promise<ReturnType<typeof createRunnerPackages>>>();

  function packagesFor(platform: string) {
    const folder = join(packagesDir, platform);
    // Once: a second cleaning would remove what is just being installed.
    const made = byPlatform.get(platform) ?? cleanAgents(folder).then(() => packagesIn(folder));
    byPlatform.set(platform, made);
    return made;
  }

  function packagesIn(folder: string) {
    return createRunnerPackages(folder, deps.uv, { env, mask: deps.mask });
  }

  function runnerFor(minor: string): Promise<string> {
    const made = byMinor.get(minor) ?? deps.uv().then((uv) => runnerProgram({ ...deps, uv, env, minor }));
    byMinor.set(minor, made);
    made.catch(() => byMinor.delete(minor));
    return made;
  }

  async function install(
    python: ImagePython,
    { definition, hash }: IdentifiedEnvironment,
    { secretsOf, sdk: release }: Pick<EnvironmentDefinition, 'secretsOf' | 'sdk'>,
    line: (text: string) => void,
  ): Promise<IsolatedPython | BuildFailure> {
    const filled = fill(definition, secretsOf, deps.secretValue);
    if ('kind' in filled) return filled;
    const { layers, extraIndexUrls } = filled.definition;
    const hidden = deps.mask.hold([...filled.values, ...passwordsIn([...layers.flat(), ...extraIndexUrls])]);
    try {
      const platform = platformOf(python);
      const packages = await packagesFor(platform);
      const target = targetOf(python, platform);
      const wanted = [...layers.flat(), ...extraIndexUrls.map((url) => `--extra-index-url ${url}`)];
      const [runner, agent, own, sdk] = await Promise.all([
        runnerFor(target.minor),
        packages.agent(target, line),
        wanted.length === 0 ? null : packages.requirements(target, hash, wanted, line),
        release === undefined ? null : packages.sdk(release, target, line),
      ]);
      const failed = [agent, own, sdk].find((one) => one?.ok === false);
      if (failed?.ok === false) return { kind: 'failed', reason: failed.reason };
      const folders = [own, agent, sdk].map((one) => (one?.ok ? [one.folder] : []));
      // The image may have another user.
      await Promise.all(folders.flat().map(openToAll));
      const [firstPaths = [], ...extraPaths] = folders;
      const pythonOptions = target.options;
      return { command: python.command, pythonOptions, runner, firstPaths, extraPaths: extraPaths.flat() };
    } finally {
      hidden();
    }
  }

  return {
    /** May reject with a UserError. */
    async prepare(
      python: ImagePython,
      order: Pick<EnvironmentDefinition, 'configuration' | 'secretsOf' | 'sdk'>,
      line: (text: string) => void,
    ): Promise<Prepared | BuildFailure> {
      const identified = identify(order);
      if (identified.kind === 'failed') return identified;
      mustBePickledFor(python, identified.definition.pythonVersion);
      // Refused now rather than with each runner.
      firstProcess(deps.runnerSources, python.machine, join(deps.dataDir, 'tools'));
      const installed = await install(python, identified, order, line);
      if ('kind' in installed) return installed;
      return { kind: 'prepared', hash: identified.hash, isolated: installed };
    },
    /** Waits for installations in progress. */
    async close(): Promise<void> {
      await Promise.allSettled(byMinor.values());
      await Promise.all([...byPlatform.values()].map(async (packages) => (await packages).close()));
    },
  };
}

/** In uv's words. */
function platformOf({ machine, libc }: ImagePython): string {
  const minor = Number(/^glibc 2\.(\d+)/.exec(libc ?? '')?.[1]);
  const known = glibcs.find((one) => one <= minor);
  return known === undefined ? `${machine}-unknown-linux-musl` : `${machine}-manylinux_2_${known}`;
}

function targetOf({ version }: ImagePython, platform: string): TargetPython {
  const options = ['--python-version', version.join('.'), '--python-platform', platform];
  return { minor: version.slice(0, 2).join('.'), options, cantWrite: true };
}
