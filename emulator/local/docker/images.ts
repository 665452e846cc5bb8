import { z } from 'zod';
import { type EngineApi, EngineRefusal, isRefusal } from './api.ts';
import { jsonLines } from './json-lines.ts';
import { authHeader, type RegistryLogin } from './registries.ts';

const imageSchema = z.object({
  Id: z.string(),
  Architecture: z.string(),
  Config: z
    .object({
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      User: z.string().nullish(),
    })
    .nullish(),
});

/** An image that the engine has. */
export interface LocalImage {
  /** `sha256:…` */
  readonly id: string;
  /** The TCP ports of its EXPOSE lines. */
  readonly ports: readonly number[];
  /** The kind of processor that it is for, in the engine's words. */
  readonly architecture: string;
  /** What it runs: the second are arguments of the first, or the command itself if there is no first. */
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** Of its USER line; empty: root. */
  readonly user: string;
}

/** @param name an id, or a reference such as `python:3.12-slim` */
export async function findImage(api: EngineApi, name: string): Promise<LocalImage | undefined> {
  try {
    const { Id, Architecture, Config } = await api.ask({ method: 'GET', path: `/images/${name}/json` }, imageSchema);
    const ports = Object.keys(Config?.ExposedPorts ?? {})
      .filter((port) => /^\d+(\/tcp)?$/.test(port))
      .map((port) => Number.parseInt(port, 10));
    const { Entrypoint, Cmd, User } = Config ?? {};
    const runs = { entrypoint: Entrypoint ?? [], cmd: Cmd ?? [], user: User ?? '' };
    return { id: Id, ports, architecture: Architecture, ...runs };
  } catch (error) {
    if (isRefusal(error, 404)) return undefined;
    throw error;
  }
}

/**
 * Asks the registry whether it has an image that anyone may pull.
 * @throws EngineRefusal with the registry's own sentence
 */
export async function checkReference(api: EngineApi, reference: string, signal: AbortSignal): Promise<void> {
  try {
    await api.send({ method: 'GET', path: `/distribution/${reference}/json`, signal });
  } catch (error) {
    // Podman has no such question.
    if (!(isRefusal(error, 404) && /^not found$/i.test(error.message))) throw error;
  }
}

const progressSchema = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).nullish(),
  error: z.string().optional(),
});

interface Pull {
  readonly reference: string;
  readonly login: RegistryLogin | undefined;
  /** A whole number that has arrived; never smaller than the one before. */
  readonly onPercent: (percent: number) => void;
  readonly signal?: AbortSignal;
}

/** Pulls an image. @throws EngineRefusal with the registry's own sentence */
export async function pullImage(api: EngineApi, { reference, login, onPercent, signal }: Pull): Promise<void> {
  const stream = await api.stream({
    method: 'POST',
    path: '/images/create',
    query: { fromImage: taggedReference(reference) },
    headers: authHeader(reference, login),
    ...(signal ? { signal } : {}),
  });
  const progress = createPullProgress();
  let last = -1;
  for await (const event of jsonLines(stream, progressSchema)) {
    if (event.error !== undefined) throw new EngineRefusal(500, event.error);
    const percent = progress(event);
    if (percent > last) onPercent(percent);
    last = Math.max(last, percent);
  }
}

/** Without a tag, the engine would pull all of them. */
function taggedReference(reference: string): string {
  return /[@:][^/]*$/.test(reference) ? reference : `${reference}:latest`;
}

/**
 * The percentage of the layers' bytes that have arrived, of the layers whose size is known so far. A layer is complete
 * when it was unpacked, for which it counts once more.
 */
export function createPullProgress() {
  const layers = new Map<string, { readonly done: number; readonly total: number }>();
  return ({ id, status, progressDetail }: z.output<typeof progressSchema>): number => {
    const total = progressDetail?.total ?? 0;
    if (id !== undefined && total > 0) {
      const current = Math.min(progressDetail?.current ?? 0, total);
      if (status === 'Downloading') layers.set(id, { done: current, total: 2 * total });
      if (status === 'Extracting') layers.set(id, { done: total + current, total: 2 * total });
    }
    const known = id === undefined ? undefined : layers.get(id);
    if (id !== undefined && known !== undefined) {
      if (status === 'Download complete') layers.set(id, { ...known, done: Math.max(known.done, known.total / 2) });
      if (status === 'Pull complete') layers.set(id, { ...known, done: known.total });
    }
    const all = [...layers.values()];
    const sum = all.reduce((bytes, layer) => bytes + layer.total, 0);
    return sum === 0 ? 0 : Math.floor((100 * all.reduce((bytes, layer) => bytes + layer.done, 0)) / sum);
  };
}
