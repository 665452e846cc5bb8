import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Where a container engine listens. */
export type EngineAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** The engine that the user has chosen: `url` as it is written, `by`: where. */
export interface ChosenEngine {
  readonly url: string;
  /** `DOCKER_HOST`, or `the Docker context "NAME"`. */
  readonly by: string;
}

type Env = { readonly [name: string]: string | undefined };

const configSchema = z.object({ currentContext: z.string().optional() });
const contextSchema = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });

/** What the user has chosen for the `docker` command: DOCKER_HOST, DOCKER_CONTEXT, or the current context. */
export function chosenEngine(env: Env, home: string): ChosenEngine | undefined {
  if (env.DOCKER_HOST) return { url: env.DOCKER_HOST, by: 'DOCKER_HOST' };
  const folder = env.DOCKER_CONFIG || join(home, '.docker');
  const config = configSchema.safeParse(readJson(join(folder, 'config.json')));
  const name = env.DOCKER_CONTEXT || (config.success ? config.data.currentContext : undefined);
  if (name === undefined || name === '' || name === 'default') return undefined;
  const id = createHash('sha256').update(name).digest('hex');
  const context = contextSchema.safeParse(readJson(join(folder, 'contexts', 'meta', id, 'meta.json')));
  return context.success ? { url: context.data.Endpoints.docker.Host, by: `the Docker context "${name}"` } : undefined;
}

/**
 * The address in a URL of the `docker` command; `undefined`: on another machine, where neither folders of this one can
 * be mounted nor ports be reached, or of an unknown kind.
 */
export function parseAddress(url: string): EngineAddress | undefined {
  if (url.startsWith('unix://')) return { kind: 'unix', path: url.slice('unix://'.length) || systemSocket };
  const tcp = /^(?:tcp:\/\/|http:\/\/)?(localhost|127\.[\d.]+|\[::1\])(?::(\d+))?\/?$/.exec(url);
  if (tcp === null) return undefined;
  return { kind: 'tcp', host: (tcp[1] ?? '').replace(/[[\]]/g, ''), port: Number(tcp[2] ?? 2375) };
}

const systemSocket = '/var/run/docker.sock';

/** The sockets of engines that are installed in the usual ways, in the order in which they are tried. */
export function usualSockets(env: Env, home: string): readonly string[] {
  const runtime = env.XDG_RUNTIME_DIR;
  return [
    systemSocket,
    // Docker Desktop: macOS, Linux.
    join(home, '.docker', 'run', 'docker.sock'),
    join(home, '.docker', 'desktop', 'docker.sock'),
    // Docker without root.
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    join(home, '.orbstack', 'run', 'docker.sock'),
    join(home, '.colima', 'default', 'docker.sock'),
    join(home, '.rd', 'docker.sock'),
    // Podman's socket for programs that expect Docker.
    ...(runtime ? [join(runtime, 'podman', 'podman.sock')] : []),
    '/run/podman/podman.sock',
  ];
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
