import { z } from 'zod';
import type { RevisionSettings, ScaleSettings } from '../scheduler/types.ts';
import { gpuSettingsOf } from './machine-types.ts';
import type { Alias, EnvironmentInfo, KeyInfo, Revision, SecretInfo } from './types.ts';

/**
 * The catalog's records as stored on disk, for all versions of minifal. A field that is added later needs a default
 * here.
 */

const count = z.number();
const strings = z.array(z.string());
const anything = z.record(z.string(), z.unknown());

const scale: z.ZodType<ScaleSettings> = z.object({
  keepAliveSeconds: count,
  minConcurrency: count,
  maxConcurrency: count.nullable(),
  concurrencyBuffer: count,
  concurrencyBufferPerc: count,
  scalingDelaySeconds: count,
  requestTimeoutSeconds: count,
  requestStartTimeoutSeconds: count.nullable(),
});

export interface StoredKey extends KeyInfo {
  /** Hex SHA-256 of the secret. */
  readonly secretHash: string;
}

export interface StoredSecret extends SecretInfo {
  readonly sealed: string;
}

/**
 * `gpuSlots` is missing in records from before GPU slots existed: `withSlots` adds it, and always `gpuTypes`, which are
 * the machine types.
 */
const settings = z.object({
  maxMultiplexing: count,
  gpuSlots: count.optional(),
  startupTimeoutSeconds: count,
  terminationGraceSeconds: count,
  health: z.object({
    path: z.string().nullable(),
    method: z.enum(['GET', 'POST']),
    startPeriodSeconds: count,
    timeoutSeconds: count,
    failureThreshold: count,
    callRegularly: z.boolean(),
  }),
  skipRetry: z.array(z.enum(['server_error', 'timeout', 'connection_error'])),
  retries: z.object({
    server_error: count.exactOptional(),
    timeout: count.exactOptional(),
    connection_error: count.exactOptional(),
  }),
});

function withSlots(
  stored: z.output<typeof settings>,
  types: readonly string[],
  numGpus: number | null,
): RevisionSettings {
  const gpus = gpuSettingsOf(types, numGpus);
  return { ...stored, ...gpus, gpuSlots: stored.gpuSlots ?? gpus.gpuSlots };
}

export const keyDocument: z.ZodType<StoredKey> = z.object({
  keyId: z.string(),
  scope: z.enum(['ADMIN', 'API']),
  alias: z.string(),
  createdAt: count,
  secretHash: z.string(),
});

export const environmentDocument: z.ZodType<EnvironmentInfo> = z.object({
  name: z.string(),
  description: z.string().nullable(),
  isDefault: z.boolean(),
  createdAt: count,
});

export const secretDocument: z.ZodType<StoredSecret> = z.object({
  name: z.string(),
  environmentName: z.string(),
  createdAt: count,
  defaultExposed: z.boolean(),
  sealed: z.string(),
});

const revision = z.object({
  id: z.string(),
  alias: z.string(),
  environmentName: z.string(),
  createdAt: count,
  environments: z.array(z.object({ kind: z.string(), configuration: anything })),
  callable: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('pickle'), method: z.string(), blob: z.string() }),
    z.object({ kind: z.literal('entrypoint'), name: z.string() }),
    z.object({ kind: z.literal('image') }),
  ]),
  machineTypes: strings,
  numGpus: count.nullable(),
  exposedPort: count.nullable(),
  metricsPort: count.exactOptional(),
  settings,
  scale,
  validRegions: strings,
  files: z.array(z.object({ hash: z.string(), relativePath: z.string() })),
  secretNames: strings.nullable(),
  metadata: anything.nullable(),
  sourceCode: z.string().nullable(),
  privateLogs: z.boolean(),
});
export const revisionDocument: z.ZodType<Revision> = revision.transform((stored) => ({
  ...stored,
  settings: withSlots(stored.settings, stored.machineTypes, stored.numGpus),
}));

const alias = z.object({
  name: z.string(),
  environmentName: z.string(),
  revision: z.string(),
  authMode: z.enum(['private', 'public', 'shared']),
  scale,
  settings,
  machineTypes: strings,
  validRegions: strings,
  updatedAt: count,
});
/** An old alias has no num_gpus: until the next deploy, its runners take one slot each. */
export const aliasDocument: z.ZodType<Alias> = alias.transform((stored) => ({
  ...stored,
  settings: withSlots(stored.settings, stored.machineTypes, null),
}));
