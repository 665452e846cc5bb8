import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { proxyExemptions } from './network/environment.ts';
import { processStat } from './processes/stat.ts';

/** The data folder's record of the emulator that uses it. */
const runningSchema = z.object({
  pid: z.int().positive(),
  /** Distinguishes the process from a later one with the same pid. */
  processStart: z.string(),
  version: z.string(),
  startedAt: z.number(),
  ports: z.object({ api: z.int(), run: z.int(), queue: z.int(), ws: z.int() }),
});
export type RunningEmulator = z.infer<typeof runningSchema>;

export const processIdentity = z.object({ pid: z.int().positive(), processStart: z.string() });
export type ProcessIdentity = z.infer<typeof processIdentity>;

/** The requested folder, otherwise MINIFAL_DATA, otherwise `~/.minifal`. */
export function dataFolder(option: string | undefined): string {
  // With an empty HOME the path would be relative to the current folder.
  const home = homedir() || userInfo().homedir;
  return resolve(option ?? process.env.MINIFAL_DATA ?? join(home, '.minifal'));
}

/** The emulator that is using this folder now; `undefined`: none (the record of a killed one doesn't count). */
export function findRunning(folder: string): RunningEmulator | undefined {
  const found = readJson(join(folder, 'emulator.json'), runningSchema);
  return found && isAlive(found) ? found : undefined;
}

/** The local account's key `id:secret`; `undefined` before the first start. */
export function readLocalKey(folder: string): string | undefined {
  const file = join(folder, 'key');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/**
 * The variables that point `fal`, the SDK and `fal_client` at this emulator (docs/platform/control-plane.md#hosts,
 * docs/platform/gateway.md#clients). We use TLS with our CA in a bundle, not ISOLATE_TEST_MODE: the clients then run
 * the same code as in the cloud, and another process on our port gets no key.
 * @param around the environment that they are added to: its proxy exceptions are kept
 */
export function clientEnv(
  folder: string,
  ports: RunningEmulator['ports'],
  key: string,
  around: NodeJS.ProcessEnv,
): Record<string, string> {
  const bundle = join(folder, 'tls', 'bundle.pem');
  const api = `localhost:${ports.api}`;
  return {
    FAL_KEY: key,
    FAL_HOST: api,
    FAL_GRPC_HOST: api,
    FAL_REST_HOST: api,
    FAL_RUN_HOST: `localhost:${ports.run}`,
    FAL_QUEUE_RUN_HOST: `localhost:${ports.queue}`,
    FAL_WS_RUN_HOST: `localhost:${ports.ws}`,
    SSL_CERT_FILE: bundle,
    REQUESTS_CA_BUNDLE: bundle,
    CURL_CA_BUNDLE: bundle,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: bundle,
    // The whole bundle: it includes what this variable named before, such as a company's authority.
    NODE_EXTRA_CA_CERTS: bundle,
    ...proxyExemptions(around),
    ...skeletonVariable(folder, around),
  };
}

/** A configuration for cookiecutter, which `fal create` uses. */
export function skeletonConfig(folder: string): string {
  return join(folder, 'fal-create', 'cookiecutter.yaml');
}

/** A configuration of the user's own is kept; `fal create` then uses the network. */
function skeletonVariable(folder: string, around: NodeJS.ProcessEnv): Record<string, string> {
  const config = skeletonConfig(folder);
  const given = around.COOKIECUTTER_CONFIG;
  const isOwn = given !== undefined && !/[/\\]fal-create[/\\]cookiecutter\.yaml$/.test(given);
  return isOwn || !existsSync(config) ? {} : { COOKIECUTTER_CONFIG: config };
}

/** Whether this exact process is still running. A process that ended and wasn't reaped by its parent is not. */
export function isAlive(holder: ProcessIdentity): boolean {
  const now = processStart(holder.pid);
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // Another user's: perhaps a service that got the pid after a restart of the machine. It may be hidden from us.
    return (error as NodeJS.ErrnoException).code === 'EPERM' && (now === '' || now === holder.processStart);
  }
  return now === holder.processStart;
}

/**
 * Start time of a process in clock ticks since boot (field 22 of its stat file); empty where there is no /proc, and for
 * zombies.
 */
export function processStart(pid: number): string {
  const field = processStat(pid);
  const state = field?.(3);
  return state === 'Z' || state === 'X' ? '' : (field?.(22) ?? '');
}

/** The JSON file, if it matches the schema; `undefined` when it is missing, damaged or different. */
export function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
