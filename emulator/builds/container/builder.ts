import type { ContainerImage } from '../../engines/docker/image.ts';
import { EngineRefusal, isEngineGone } from '../../local/docker/api.ts';
import type { ContainerEngine } from '../../local/docker/connect.ts';
import { checkReference, findImage, pullImage } from '../../local/docker/images.ts';
import { environmentLabel, imageName, ownerLabel } from '../../local/docker/labels.ts';
import { registryOf } from '../../local/docker/registries.ts';
import type { EngineUse } from '../../local/docker/use.ts';
import type { Mask } from '../../telemetry/masking/mask.ts';
import { UserError, withCode } from '../../wire/errors.ts';
import { cancelled, sharedBuilds } from '../sharing.ts';
import type { Builder, BuildFailure, BuildLog, BuildResult, ContextFile } from '../types.ts';
import { missingFileAdvice } from './advice.ts';
import { type ContainerDefinition, imageHash, parseContainer } from './definition.ts';
import { buildImage, type DockerfileSource } from './image-build.ts';
import { tenths } from './tenths.ts';
import { removeReplaced } from './unused.ts';

export interface ContainerBuilderDeps {
  readonly use: EngineUse;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Hides secrets in logs and reasons. */
  readonly mask: Mask;
}

type Result = BuildResult<ContainerImage>;

const functionsInImages =
  'minifal can run an image as it is, but not yet a Python function or class in an image. For a server of its own, ' +
  'leave the function out and set `use_isolate=False` (pyproject.toml: `image` without `ref`); otherwise use a ' +
  'virtualenv environment: remove `image`, and list Python packages in `requirements`.';

/**
 * Images of apps: built from a Dockerfile once per content and kept by the container engine, or someone else's, which
 * are pulled. A failed build is a value with the tool's own message, never an exception.
 */
export function createContainerBuilder(deps: ContainerBuilderDeps): Builder<ContainerImage> {
  const shared = sharedBuilds<ContainerImage>();

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
      const labels = { [ownerLabel]: deps.use.owner, [environmentLabel]: hash };
      const failure = await buildImage({ ...job, logins: definition.logins, tag, labels, isFromNothing: force });
      if (signal.aborted) return cancelled;
      if (failure !== null) {
        const advice = missingFileAdvice(failure, source.text);
        return failed(`Failure during 'docker build': ${failure}${advice === null ? '' : `\n${advice}`}`);
      }
      if (before !== undefined) await removeReplaced(engine.api, before.id, tag);
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

  return {
    async build({ configuration, files = [], force }, log, signal) {
      const parsed = parseContainer(configuration);
      if (!parsed.ok) return failed(parsed.reason);
      const { definition } = parsed;
      if (!definition.runsAsItIs) return failed(functionsInImages);
      const key = `${imageHash(definition, files)} ${force}`;
      const built = await shared.join(key, log, signal, (line, abort) => build(definition, files, force, line, abort));
      if (built.kind === 'failed') return { ...built, reason: deps.mask(built.reason) };
      // Callers that share a build may run different commands in its image.
      const { entrypoint, cmd } = definition;
      return { ...built, environment: { ...built.environment, entrypoint, cmd } };
    },
    close: () => shared.close(),
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
