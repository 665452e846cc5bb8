import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mask } from '../../telemetry/mask.ts';
import { UserError, withCode } from '../../wire/errors.ts';
import { noexecMount } from '../mounts.ts';
import { cancelled, sharedBuilds } from '../sharing.ts';
import type { BuildLog, BuildResult, Builds, EnvironmentDefinition } from '../types.ts';
import { toolEnvironment } from '../uv/tool-env.ts';
import { agentPin, cleanAgents } from './agent.ts';
import { readConstraints } from './constraints.ts';
import { environmentHash, parseVirtualenv, type VirtualenvDefinition } from './definition.ts';
import { environmentFolders } from './folders.ts';
import { type FilledDefinition, fillDefinition, passwordsIn } from './placeholders.ts';
import { createRunnerPackages } from './runner-packages.ts';
import { createVirtualenv, installLayers, type VirtualenvJob } from './steps.ts';

export interface BuildsOptions {
  /** Environments are in `<dataDir>/environments`, the runners' own packages in `<dataDir>/agents`. */
  readonly dataDir: string;
  /** Path of uv; asked for when the first build needs it. May reject with a UserError. */
  readonly uv: () => Promise<string>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Default: this process's environment. Builds see a small part of it. */
  readonly env?: { readonly [name: string]: string | undefined };
  /** What uv trusts: the machine's certificates and the emulator's. Default: as uv does by itself. */
  readonly caBundle?: string;
  /** Values for `${NAME}` in requirements and index URLs; without it they stay as they are. */
  readonly secretValue?: (name: string) => string | undefined;
  /** Hides secrets in logs and reasons. */
  readonly mask: Mask;
}

/**
 * Execution environments, built once per content and kept across restarts. Decides nothing about runners. A failed
 * build is a value with the tool's own words, never an exception. Call it once per data folder: it removes unfinished
 * builds at start.
 */
export function createBuilds(options: BuildsOptions): Builds & { close(): Promise<void> } {
  const folders = environmentFolders(join(options.dataDir, 'environments'));
  const agentsDir = join(options.dataDir, 'agents');
  const env = toolEnvironment(options.env ?? process.env, {
    caBundle: options.caBundle,
    spareCache: join(options.dataDir, 'cache', 'uv'),
  });
  const shared = sharedBuilds();
  const packages = createRunnerPackages(agentsDir, options.uv, { env, mask: options.mask });
  const cleaned = Promise.all([folders.clean(), cleanAgents(agentsDir)]);

  function finished(hash: string): BuildResult | undefined {
    const build = folders.current(hash);
    if (!build) return undefined;
    const extra = packages.agentFolder(build.pythonMinor);
    if (extra === undefined) return undefined;
    return {
      kind: 'built',
      environment: { id: hash, python: pythonOf(build.folder), extraPaths: [extra] },
      cached: true,
    };
  }

  async function buildNew(
    hash: string,
    definition: VirtualenvDefinition,
    { definition: filled, values }: Extract<FilledDefinition, { ok: true }>,
    log: (line: BuildLog) => void,
    signal: AbortSignal,
  ): Promise<BuildResult> {
    const line = (message: string) => log({ at: options.clock(), level: 'INFO', message });
    const mount = noexecMount(options.dataDir);
    if (mount !== undefined) return { kind: 'failed', reason: noPrograms(options.dataDir, mount) };
    const uv = await options.uv();
    if (signal.aborted) return cancelled;
    const folder = await folders.next(hash);
    const release = options.mask.hold([...values, ...passwordsIn(filled)]);
    const job: VirtualenvJob = { uv, env, folder, definition, filled, mask: options.mask, line, signal };
    let kept = false;
    try {
      const created = await createVirtualenv(job);
      if (signal.aborted) return cancelled;
      if (!created.ok) return { kind: 'failed', reason: created.reason };
      const minor = await pythonMinor(folder);
      const [installed, runner] = await Promise.all([
        installLayers(job),
        packages.agent({ python: pythonOf(folder), minor }, line),
      ]);
      if (signal.aborted) return cancelled;
      if (!installed.ok) return { kind: 'failed', reason: installed.reason };
      if (!runner.ok) return { kind: 'failed', reason: runner.reason };
      await folders.finish(hash, folder, minor);
      kept = true;
      line('Environment built');
      const environment = { id: hash, python: pythonOf(folder), extraPaths: [runner.folder] };
      return { kind: 'built', environment, cached: false };
    } finally {
      release();
      if (!kept) await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * The environment with a release of the SDK behind everything else. The app may get by without it: then a line says
   * what is missing.
   */
  async function withSdk(
    built: Extract<BuildResult, { kind: 'built' }>,
    release: string,
    log: (line: BuildLog) => void,
  ): Promise<BuildResult> {
    const { environment } = built;
    const say = (level: BuildLog['level']) => (message: string) => log({ at: options.clock(), level, message });
    const minor = folders.current(environment.id)?.pythonMinor;
    if (minor === undefined) return built;
    const sdk = await packages.sdk(release, { python: environment.python, minor }, say('INFO'));
    if (sdk.ok)
      return { ...built, environment: { ...environment, extraPaths: [...environment.extraPaths, sdk.folder] } };
    say('WARNING')(`The app refers to the module fal, and fal ${release} could not be installed for it. ${sdk.reason}`);
    return built;
  }

  /** Values of secrets may be out of reach; that is a reason for a failed build like any other. */
  function fill(definition: VirtualenvDefinition): FilledDefinition {
    try {
      return fillDefinition(definition, options.secretValue);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { ok: false, reason: withCode(error) };
    }
  }

  return {
    async build(definition: EnvironmentDefinition, log, signal) {
      const refusal = refuseKind(definition.kind);
      if (refusal) return { kind: 'failed', reason: refusal };
      const parsed = parseVirtualenv(definition.configuration);
      if (!parsed.ok) return { kind: 'failed', reason: parsed.reason };
      const constraints = readConstraints(parsed.definition.constraintsFile);
      if (!constraints) {
        return {
          kind: 'failed',
          reason: `Invalid environment: constraints_file ${parsed.definition.constraintsFile} can not be read.`,
        };
      }
      const filled = fill(parsed.definition);
      if (!filled.ok) return { kind: 'failed', reason: filled.reason };
      // The hash is of the text with its placeholders: a secret's value is never part of a folder's name.
      const hash = environmentHash(parsed.definition, constraints, agentPin);
      await cleaned;
      const known = definition.force ? undefined : finished(hash);
      const work = (line: (entry: BuildLog) => void, abort: AbortSignal) =>
        buildNew(hash, parsed.definition, filled, line, abort).catch((error: unknown): BuildResult => {
          if (!(error instanceof UserError)) throw error;
          return { kind: 'failed', reason: withCode(error) };
        });
      const built = known ?? (await shared.join(hash, log, signal, work));
      return definition.sdk === undefined || built.kind === 'failed' ? built : withSdk(built, definition.sdk, log);
    },

    async close() {
      await shared.close();
      await packages.close();
      await cleaned;
    },
  };
}

function pythonOf(folder: string): string {
  return join(folder, 'bin', 'python');
}

function noPrograms(dataDir: string, mount: string): string {
  const where = `No program can run from the data folder ${dataDir}: ${mount} is mounted noexec.`;
  return `${where} Mount it without that option, or start minifal with another folder: --data DIR.`;
}

/** `3.11`, from the file that describes a virtual environment. */
async function pythonMinor(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'pyvenv.cfg'), 'utf8');
  const minor = /^version(?:_info)?\s*=\s*(\d+\.\d+)/m.exec(text)?.[1];
  if (minor === undefined) throw new Error(`${folder}/pyvenv.cfg names no version`);
  return minor;
}

function refuseKind(kind: string): string | undefined {
  if (kind === 'virtualenv') return undefined;
  if (kind === 'container') {
    return (
      'Container environments need the Docker engine, which minifal does not have yet; use a virtualenv ' +
      'environment: leave out `image` and name Python packages in `requirements`.'
    );
  }
  if (kind === 'conda') {
    return (
      'Conda environments are not supported by minifal yet; use a virtualenv environment: leave out ' +
      '`kind` and name Python packages in `requirements`.'
    );
  }
  return `Unknown environment kind: ${kind}. Use a virtualenv environment.`;
}
