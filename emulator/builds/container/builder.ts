import { createHash } from 'node:crypto';
import type { ContainerImage } from '../../engines/docker/image.ts';
import { type EngineApi, EngineRefusal, isEngineGone } from '../../local/docker/api.ts';
import type { ContainerEngine } from '../../local/docker/connect.ts';
import { checkReference, findImage, pullImage } from '../../local/docker/images.ts';
import { environmentLabel, imageName, ownerLabel } from '../../local/docker/labels.ts';
import { registryOf } from '../../local/docker/registries.ts';
import type { EngineUse } from '../../local/docker/use.ts';
import type { Mask } from '../../telemetry/masking/mask.ts';
import { UserError, withCode } from '../../wire/errors.ts';
import { cancelled, sharedBuilds } from '../sharing.ts';
import type { Builder, BuildFailure, BuildLog, BuildResult, ContextFile, EnvironmentDefinition } from '../types.ts';
import { missingFileAdvice } from './advice.ts';
import { type ContainerDefinition, imageHash, parseContainer } from './definition.ts';
import type { createFunctions } from './functions.ts';
import { buildImage, type DockerfileSource } from './image-build.ts';
import { imagePythons } from './image-python.ts';
import { createReplaced } from './replaced.ts';
import { tenths } from './tenths.ts';

export interface ContainerBuilderDeps {
  readonly use: EngineUse;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Hides secrets in logs and reasons. */
  readonly mask: Mask;
  /** How often images that were replaced while they were in use are tried to be removed. */
  readonly againMs?: number;
  /** What functions need besides their image. */
  readonly functions: ReturnType<typeof createFunctions>;
}

type Result = BuildResult<ContainerImage>;

const neverAborted = new AbortController().signal;

/**
 * Images of apps: built from a Dockerfile once per content and kept by the container engine, or someone else's, which
 * are pulled. A failed build is a value with the tool's own message, never an exception.
 */
export function createContainerBuilder(deps: ContainerBuilderDeps): Builder<ContainerImage> {
  const shared = sharedBuilds<ContainerImage>();
  const { owner } = deps.use;
  const pythonOf = imagePythons();
  const replaced = createReplaced(deps.use, deps.againMs);

  async function build(
    definition: ContainerDefinition,
    files: readonly ContextFile[],
    force: boolean,
    log: (line: BuildLog) => void,
    signal: AbortSignal,
  ): Promise<Result> {
    const hidden = deps.mask.hold(valuesOf(definition));
    const line = (text: string) => log({ at: deps.clock(), level: 'INFO', message: deps.mask(text) });
    try {
      const engine = await deps.use.engine();
      const { source } = definition;
      return source.kind === 'dockerfile'
        ? await fromDockerfile({ engine, definition, source, files, force, line, signal })
        : await fromReference({ engine, definition, reference: source.reference, force, line, signal });
    } catch (error) {
      if (signal.aborted) return cancelled;
      return failed(failureOf(error));
    } finally {
      hidden();
    }
  }

  interface Job {
    readonly engine: ContainerEngine;
    readonly definition: ContainerDefinition;
    readonly force: boolean;
    readonly line: (text: string) => void;
    readonly signal: AbortSignal;
  }

  async function fromDockerfile(
    job: Job & { readonly source: DockerfileSource; readonly files: readonly ContextFile[] },
  ): Promise<Result> {
    const { engine, definition, source, files, force, line, signal } = job;
    const hash = imageHash(definition, files);
    const tag = imageName(deps.use.owner, hash);
    const before = await findImage(engine.api, tag);
    const known = force ? undefined : before;
    if (known === undefined) {
      const lost = [...source.secrets].find(([, value]) => value === null)?.[0];
      if (lost !== undefined) return failed(mustBeSentAgain(`its build secret ${lost}`));
      line(`Building the image with ${engine.name}`);
      if (before !== undefined) await replaced.keepName(engine.api, before.id, tag);
      const labels = { [ownerLabel]: deps.use.owner, [environmentLabel]: hash };
      const order = { ...job, logins: definition.logins, tag, labels, isFromNothing: force };
      const failure = await buildImage(order).finally(() => before && replaced.remove());
      if (signal.aborted) return cancelled;
      if (failure !== null) {
        const advice = missingFileAdvice(failure, source.text);
        return failed(`Failure during 'docker build': ${failure}${advice === null ? '' : `\n${advice}`}`);
      }
    }
    const { entrypoint, cmd } = definition;
    const environment: ContainerImage = { kind: 'container', id: hash, image: tag, entrypoint, cmd };
    return { kind: 'built', environment, cached: known !== undefined };
  }

  /**
   * An image that the engine has is used as it is. Otherwise runners pull it, and only the registry is asked whether
   * there is one; unless that takes a password, which isn't kept.
   */
  async function fromReference(job: Job & { readonly reference: string }): Promise<Result> {
    const { engine, definition, reference, force, line, signal } = job;
    const { entrypoint, cmd, logins } = definition;
    const login = logins.get(registryOf(reference));
    const known = (await findImage(engine.api, reference)) !== undefined;
    if (force || (!known && login !== undefined)) {
      if (login === null) return failed(mustBeSentAgain(`the password of ${registryOf(reference)}`));
      line(`Pulling ${reference}`);
      const onPercent = tenths((percent) => line(`Pulling ${reference}: ${percent} %`));
      await pullImage(engine.api, { reference, login, onPercent, signal });
    } else if (!known) await checkReference(engine.api, reference, signal);
    const id = imageHash(definition, []);
    const environment: ContainerImage = { kind: 'container', id, image: reference, isPulled: true, entrypoint, cmd };
    return { kind: 'built', environment, cached: known && !force };
  }

  /** The image, with what a function needs in it. */
  async function withFunctions(
    { environment, cached }: Extract<Result, { kind: 'built' }>,
    order: EnvironmentDefinition,
    log: (line: BuildLog) => void,
    signal: AbortSignal,
  ): Promise<Result> {
    const line = (text: string) => log({ at: deps.clock(), level: 'INFO', message: deps.mask(text) });
    try {
      const { api } = await deps.use.engine();
      const python = await pythonOf(api, { image: await imageId(api, environment, line, signal), owner, signal });
      const prepared = await deps.functions.prepare(python, order, line);
      if (signal.aborted) return cancelled;
      if (prepared.kind === 'failed') return failed(prepared.reason);
      const id = createHash('sha256').update(`${environment.id} ${prepared.hash}`).digest('hex');
      return { kind: 'built', environment: { ...environment, id, isolated: prepared.isolated }, cached };
    } catch (error) {
      if (signal.aborted) return cancelled;
      return failed(failureOf(error));
    }
  }

  /** Someone else's image is pulled here, because only the image itself says which Python it has. */
  async function imageId(
    api: EngineApi,
    { image: reference }: ContainerImage,
    line: (text: string) => void,
    signal: AbortSignal,
  ): Promise<string> {
    const known = await findImage(api, reference);
    if (known !== undefined) return known.id;
    line(`Pulling ${reference}`);
    const onPercent = tenths((percent) => line(`Pulling ${reference}: ${percent} %`));
    await pullImage(api, { reference, login: undefined, onPercent, signal });
    return (await findImage(api, reference))?.id ?? reference;
  }

  return {
    async build(order, log, signal) {
      const { configuration, files = [], force } = order;
      const parsed = parseContainer(configuration);
      if (!parsed.ok) return failed(parsed.reason);
      const { definition } = parsed;
      const key = `${imageHash(definition, files)} ${force}`;
      const built = await shared.join(key, log, signal, (line, abort) => build(definition, files, force, line, abort));
      if (built.kind === 'failed') return { ...built, reason: deps.mask(built.reason) };
      // Callers that share a build may run different commands in its image.
      const { entrypoint, cmd } = definition;
      const own = { ...built, environment: { ...built.environment, entrypoint, cmd } };
      if (definition.runsAsItIs) return own;
      const isolated = await withFunctions(own, order, log, signal ?? neverAborted);
      return isolated.kind === 'failed' ? { ...isolated, reason: deps.mask(isolated.reason) } : isolated;
    },
    async close() {
      replaced.close();
      await shared.close();
      await deps.functions.close();
    },
  };
}

/** Passwords and build secrets aren't kept with the app. */
function mustBeSentAgain(what: string): string {
  return `The image is no longer there, and ${what}, which it needs, is not kept. Deploy the app again.`;
}

function failed(reason: string): BuildFailure {
  return { kind: 'failed', reason };
}

/** What the engine, the registry or the user can do about it; any other error is a bug. */
function failureOf(error: unknown): string {
  if (error instanceof UserError) return withCode(error);
  if (error instanceof EngineRefusal) return `The container engine answered: ${error.message}`;
  if (isEngineGone(error)) return `The container engine doesn't answer: ${error.message}`;
  throw error;
}

function valuesOf({ source, logins }: ContainerDefinition): readonly string[] {
  const secrets = source.kind === 'dockerfile' ? [...source.secrets.values()] : [];
  return [...secrets, ...[...logins.values()].map((login) => login?.password)].filter(
    (value) => typeof value === 'string',
  );
}
