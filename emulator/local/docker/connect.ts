import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { z } from 'zod';
import { UserError } from '../../wire/errors.ts';
import { chosenEngine, type EngineAddress, parseAddress, usualSockets } from './addresses.ts';
import { createApi, type EngineApi } from './api.ts';

/** The newest version of the API that minifal was written for. */
const newestApi = '1.51';
/** BuildKit's sessions, and the oldest that engines of 2024 and later accept. */
const oldestApi = '1.24';
/** How long an engine may take for its first answer, and later for each answer to a ping. */
const answerMs = 10_000;

const versionSchema = z.object({
  Version: z.string(),
  ApiVersion: z.string().regex(/^\d+\.\d+$/),
  MinAPIVersion: z.string().optional(),
  Components: z.array(z.object({ Name: z.string() })).nullish(),
});

const infoSchema = z.object({
  OSType: z.string().optional(),
  OperatingSystem: z.string().optional(),
  SecurityOptions: z.array(z.string()).nullish(),
});

/** A container engine on this machine that answers. */
export interface ContainerEngine {
  readonly api: EngineApi;
  /** For people: `Docker 20.10.24`, `Docker Desktop 27.1.1`, `Docker without root 26.1.5`, `Podman 5.0.0`. */
  readonly name: string;
  readonly apiVersion: string;
  /** It runs in a virtual machine, so that only 127.0.0.1 of this machine leads to its ports. */
  readonly isVirtualMachine: boolean;
}

type Env = { readonly [name: string]: string | undefined };

/**
 * Finds the engine that the `docker` command would use, else one at a usual place.
 * @throws UserError with the next step if there is none
 */
export async function connectEngine(
  env: Env = process.env,
  home: string = homedir(),
  sockets: readonly string[] = usualSockets(env, home),
  patienceMs = answerMs,
): Promise<ContainerEngine> {
  const chosen = chosenEngine(env, home);
  if (chosen !== undefined) {
    const address = parseAddress(chosen.url);
    if (address === undefined) throw onOtherMachine(chosen.by, chosen.url);
    const found = await greet(address, patienceMs).catch((error: unknown) => error as Error);
    if (!(found instanceof Error)) return found;
    throw found instanceof UserError ? found : noAnswer(`${chosen.url} (from ${chosen.by})`, found);
  }
  let trouble: UserError | undefined;
  for (const path of sockets.filter((socket) => existsSync(socket))) {
    try {
      return await greet({ kind: 'unix', path }, patienceMs);
    } catch (error) {
      trouble ??= error instanceof UserError ? error : noAnswer(path, error as Error);
    }
  }
  throw trouble ?? none();
}

async function greet(address: EngineAddress, patienceMs: number): Promise<ContainerEngine> {
  const signal = AbortSignal.timeout(patienceMs);
  const any = createApi(address, null, patienceMs);
  await any.send({ method: 'GET', path: '/_ping', signal });
  const version = await any.ask({ method: 'GET', path: '/version', signal }, versionSchema);
  const apiVersion = apiFor(version);
  const api = createApi(address, apiVersion, patienceMs);
  const info = await api.ask({ method: 'GET', path: '/info', signal }, infoSchema);
  const product = productOf(version, info);
  if ((info.OSType ?? 'linux') !== 'linux') {
    throw new UserError(
      'DOCKER_UNSUITABLE',
      `${product} runs containers of ${info.OSType}; apps need Linux containers.`,
      'Switch it to Linux containers.',
    );
  }
  if (compareVersions(version.ApiVersion, oldestApi) < 0) {
    throw new UserError('DOCKER_UNSUITABLE', `${product} ${version.Version} is too old.`, 'Update it.');
  }
  return {
    api,
    name: `${product} ${version.Version}`,
    apiVersion,
    isVirtualMachine: process.platform === 'darwin' || product === 'Docker Desktop',
  };
}

/** The engine's own version of the API, or the newest that we know. */
function apiFor({ ApiVersion, MinAPIVersion }: z.output<typeof versionSchema>): string {
  if (compareVersions(ApiVersion, newestApi) <= 0) return ApiVersion;
  return MinAPIVersion && compareVersions(MinAPIVersion, newestApi) > 0 ? MinAPIVersion : newestApi;
}

/** Negative: the first is the older one. */
export function compareVersions(one: string, other: string): number {
  const [[major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]] = [one, other].map((version) =>
    version.split('.').map(Number),
  ) as [number[], number[]];
  return major - otherMajor || minor - otherMinor;
}

function productOf({ Components }: z.output<typeof versionSchema>, info: z.output<typeof infoSchema>): string {
  if (Components?.some(({ Name }) => /podman/i.test(Name))) return 'Podman';
  if (info.OperatingSystem === 'Docker Desktop') return 'Docker Desktop';
  return info.SecurityOptions?.some((option) => option.includes('rootless')) ? 'Docker without root' : 'Docker';
}

const start = 'Start it (Linux: sudo systemctl start docker; Docker Desktop: open it)';

function none(): UserError {
  return new UserError(
    'DOCKER_MISSING',
    'This app runs in a container, and no container engine was found on this machine.',
    'Install Docker (Debian, Ubuntu: sudo apt install docker.io; macOS: Docker Desktop), start it, and try again; ' +
      'if it listens elsewhere, set DOCKER_HOST and restart minifal.',
  );
}

function noAnswer(where: string, error: NodeJS.ErrnoException): UserError {
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new UserError(
      'DOCKER_DENIED',
      `This app runs in a container, and you don't have permission to use the container engine at ${where}.`,
      'Add yourself to its group (sudo usermod -aG docker "$USER"), log in again, and restart minifal.',
    );
  }
  const reason = error.code ?? (error.message || 'it refuses without a reason');
  return new UserError(
    'DOCKER_NOT_RUNNING',
    `This app runs in a container, and the container engine at ${where} doesn't answer (${reason}).`,
    `${start}, and try again.`,
  );
}

function onOtherMachine(by: string, url: string): UserError {
  return new UserError(
    'DOCKER_UNSUITABLE',
    `${by[0]?.toUpperCase()}${by.slice(1)} names the container engine ${url}, which is not on this machine, ` +
      'or is reached in a way that minifal does not know.',
    'Use an engine on this machine, by its Unix socket: unset DOCKER_HOST, or docker context use default.',
  );
}
