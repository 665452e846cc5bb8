import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { EngineRefusal } from '../../local/docker/api.ts';
import { type ContainerEngine, compareVersions } from '../../local/docker/connect.ts';
import { jsonLines } from '../../local/docker/json-lines.ts';
import { paddedBase64, type RegistryLogin } from '../../local/docker/registries.ts';
import { createLineReader } from '../lines.ts';
import type { ContextFile } from '../types.ts';
import type { ContainerDefinition } from './definition.ts';
import { createProgress } from './progress.ts';
import { openSession } from './session.ts';
import { tarOf } from './tar.ts';

export type DockerfileSource = Extract<ContainerDefinition['source'], { kind: 'dockerfile' }>;

export interface ImageBuild {
  readonly engine: ContainerEngine;
  readonly source: DockerfileSource;
  readonly logins: ContainerDefinition['logins'];
  readonly files: readonly ContextFile[];
  /** The name of the image that is made. */
  readonly tag: string;
  readonly labels: { readonly [label: string]: string };
  /** Uses no layer of an earlier build. */
  readonly isFromNothing: boolean;
  readonly line: (text: string) => void;
  readonly signal: AbortSignal;
}

const eventSchema = z.object({
  id: z.string().optional(),
  aux: z.unknown().optional(),
  stream: z.string().optional(),
  error: z.string().optional(),
});
const madeSchema = z.object({ ID: z.string() });

/** The first version of the API with sessions of BuildKit. */
const sessionsSince = '1.39';

/**
 * Builds an image from a Dockerfile, by BuildKit through the engine's API, with a session of ours for secrets and
 * logins; by the classic builder where there is none.
 * @returns why it failed, in the builder's words; `null`: it didn't
 */
export async function buildImage(build: ImageBuild): Promise<string | null> {
  if (compareVersions(build.engine.apiVersion, sessionsSince) < 0) return buildClassic(build);
  let session: Awaited<ReturnType<typeof openSession>>;
  try {
    session = await openSession(build.engine.api, { secrets: build.source.secrets, logins: build.logins });
  } catch (error) {
    // An engine that only resembles Docker: it has no such thing.
    if (error instanceof EngineRefusal) return buildClassic(build);
    throw error;
  }
  const progress = createProgress(build.line);
  try {
    return await run(build, { version: '2', session: session.id }, {}, ({ id, aux }) => {
      if (id === 'moby.buildkit.trace' && typeof aux === 'string') progress.read(aux);
    });
  } finally {
    progress.end();
    session.close();
  }
}

async function buildClassic(build: ImageBuild): Promise<string | null> {
  if (build.source.secrets.size > 0) return `${build.engine.name} can't pass secrets to a build. Use a newer engine.`;
  const printed = createLineReader(build.line);
  const failure = await run(build, { version: '1', rm: '1', forcerm: '1' }, registryConfig(build.logins), (event) => {
    printed.write(Buffer.from(stripVTControlCharacters(event.stream ?? '')));
  });
  printed.end();
  return failure;
}

type Event = z.output<typeof eventSchema>;

async function run(
  { engine, source, files, tag, labels, isFromNothing, signal }: ImageBuild,
  builder: { readonly [name: string]: string },
  headers: { readonly [name: string]: string },
  show: (event: Event) => void,
): Promise<string | null> {
  const dockerfile = files.some(({ relativePath }) => relativePath === 'Dockerfile')
    ? 'Dockerfile.minifal'
    : 'Dockerfile';
  const stream = await engine.api.stream({
    method: 'POST',
    path: '/build',
    query: {
      t: tag,
      dockerfile,
      buildargs: JSON.stringify(source.buildArgs),
      labels: JSON.stringify(labels),
      nocache: isFromNothing ? '1' : undefined,
      ...builder,
    },
    headers,
    tar: await tarOf([
      { path: dockerfile, mode: 0o644, content: { bytes: Buffer.from(source.text) } },
      ...files.map(({ relativePath, source: file, mode }) => ({ path: relativePath, mode, content: { file } })),
    ]),
    signal,
  });
  let failure: string | null = null;
  let isMade = false;
  for await (const event of jsonLines(stream, eventSchema)) {
    show(event);
    isMade ||= madeSchema.safeParse(event.aux).success;
    if (event.error !== undefined) failure = event.error.trim();
  }
  return failure ?? (isMade ? null : 'The container engine ended the build without an image.');
}

/** The classic builder gets the logins with the request. */
function registryConfig(logins: ReadonlyMap<string, RegistryLogin | null>): { readonly [name: string]: string } {
  const known = [...logins].flatMap(([host, login]) => (login === null ? [] : [[host, login] as const]));
  if (known.length === 0) return {};
  const config = known.flatMap(([host, login]) =>
    (host === 'docker.io' ? [host, 'https://index.docker.io/v1/'] : [host]).map((key) => [key, login] as const),
  );
  return { 'x-registry-config': paddedBase64(JSON.stringify(Object.fromEntries(config))) };
}
