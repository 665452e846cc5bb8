import { join } from 'node:path';
import { createCatalog, type LocalCatalog } from '../catalog/catalog.ts';
import { type AppFiles, createAppFiles } from '../catalog/files/app-files.ts';
import { createBlobs } from '../catalog/files/blobs.ts';
import { localKey } from '../catalog/identity.ts';
import type { Blobs } from '../catalog/types.ts';
import { later } from '../local/loop/timers.ts';
import { createQueue, type DurableQueue } from '../queue/queue.ts';
import { createStorage, type Storage } from '../storage/storage.ts';
import { createRequestHistory } from '../telemetry/requests/history.ts';
import type { RequestHistory } from '../telemetry/requests/types.ts';
import { post } from '../webhooks/send.ts';
import { createSigning } from '../webhooks/signing.ts';
import { createWebhooks, type Webhooks } from '../webhooks/webhooks.ts';
import type { Workflows } from '../workflows/types.ts';
import { createWorkflows } from '../workflows/workflows.ts';
import type { Foundations } from './foundations.ts';
import type { EmulatorOptions } from './options.ts';

const storageBytes = 50 * 1024 ** 3;
const dayMs = 24 * 60 * 60 * 1000;

/** What users and programs rely on even after a crash. */
export interface Promises {
  readonly catalog: LocalCatalog;
  readonly blobs: Blobs;
  readonly appFiles: AppFiles;
  readonly storage: Storage;
  readonly queue: DurableQueue;
  readonly requestHistory: RequestHistory;
  readonly webhooks: Webhooks;
  /** Public halves of the keys that sign webhooks. */
  readonly jwks: object;
  readonly workflows: Workflows;
  /** Records how the last requests ended, and abandons webhooks in progress. Never rejects. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export function createPromises(
  { folder, retentionDays }: Pick<EmulatorOptions, 'folder' | 'retentionDays'>,
  { store, historyRecords, runnerHistory, clock, steady, keys, mask, ownLog, report }: Foundations,
): Promises {
  const catalog = createCatalog({ store, clock, secretKey: keys.secrets, report });
  mask.follow(catalog.allSecretValues);
  const key = localKey(folder, catalog);
  mask.hold([key, key.split(':')[1] ?? '']);
  const blobs = createBlobs(join(folder, 'blobs'));
  blobs.removeExcept(
    new Set(catalog.revisions(null).flatMap(({ callable }) => ('blob' in callable ? callable.blob : []))),
  );
  const retentionMs = retentionDays * dayMs;
  const requestHistory = createRequestHistory({
    records: historyRecords,
    activeRevision: (name) => catalog.alias(name)?.revision,
    runnerNumber: runnerHistory.numberOf,
    appNameOf: runnerHistory.appNameOf,
    retentionMs,
    report,
  });
  const queue = createQueue({ store, clock, retentionMs, lastNumber: requestHistory.lastNumber(), report });
  const signing = createSigning(join(folder, 'webhook-key.pem'));
  const webhooks = createWebhooks({
    store,
    queue,
    signing,
    post,
    clock,
    steady,
    later,
    onGivenUp: (sentence) => ownLog.info('webhooks', sentence),
    report,
  });
  return {
    catalog,
    blobs,
    appFiles: createAppFiles(join(folder, 'app-files')),
    storage: createStorage({ folder, store, maxBytes: storageBytes, clock }),
    queue,
    requestHistory,
    webhooks,
    jwks: signing.jwks,
    workflows: createWorkflows({ store, clock }),
    async settle() {
      await queue.settled().catch(report);
      webhooks.close();
    },
    async close() {
      await queue.close();
      requestHistory.close();
    },
  };
}
