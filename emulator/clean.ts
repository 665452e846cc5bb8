import { join } from 'node:path';
import { removeUnused } from './builds/virtualenv/unused.ts';
import { createCatalog } from './catalog/catalog.ts';
import { openSecretKey } from './catalog/secrets/secret-key.ts';
import { environmentsInUse } from './disk-use.ts';
import { mainMigrations } from './migrations.ts';
import { dropFinished } from './queue/records.ts';
import { createStorage } from './storage/storage.ts';
import { openStore } from './store/open.ts';
import { openHistoryRecords } from './telemetry/requests/records.ts';
import { webhookRecords } from './webhooks/records.ts';

const droppedAtOnce = 1_000;

export interface Cleaned {
  readonly environments: number;
  readonly requests: number;
  readonly files: number;
  readonly values: number;
  /** Of environments and files. */
  readonly bytes: number;
  /** Notices from opening the store. */
  readonly notices: readonly string[];
}

/** The last request is kept for its number: none is used twice in a folder. */
function cleanHistory(file: string): void {
  const records = openHistoryRecords(file);
  const limits = { before: Number.NEGATIVE_INFINITY, belowNumber: records.lastNumber() };
  while (records.dropOldest(limits, droppedAtOnce) === droppedAtOnce);
  records.close();
}

/**
 * Frees what nobody needs: environments that no revision uses, finished requests (but those whose webhook is still
 * owed), expired files and values. Apps, keys, secrets, unfinished requests and `/data` stay. The folder must be locked
 * by the caller.
 */
export async function cleanFolder(folder: string): Promise<Cleaned> {
  const clock = Date.now;
  const store = openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  try {
    const catalog = createCatalog({ store, clock, secretKey: openSecretKey(folder).key });
    const storage = createStorage({ folder, store, maxBytes: Number.POSITIVE_INFINITY, clock });
    const owed = new Set(
      webhookRecords(store)
        .load()
        .map(({ id }) => id),
    );
    const requests = dropFinished(store, owed);
    cleanHistory(join(folder, 'history.db'));
    const values = await storage.keyValues.prune();
    const { files, bytes } = await storage.files.prune();
    const unused = await removeUnused(folder, environmentsInUse(catalog));
    return {
      environments: unused.environments,
      requests,
      files,
      values,
      bytes: bytes + unused.bytes,
      notices: store.notices(),
    };
  } finally {
    store.close();
  }
}
