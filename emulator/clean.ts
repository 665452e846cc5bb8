import { join } from 'node:path';
import { removeUnusedImages, removeUnusedPackages } from './builds/container/unused.ts';
import { removeUnused } from './builds/virtualenv/unused.ts';
import { createCatalog } from './catalog/catalog.ts';
import { openSecretKey } from './catalog/secrets/secret-key.ts';
import type { Revision } from './catalog/types.ts';
import { environmentsInUse } from './disk-use.ts';
import { removeContainers } from './engines/docker/link.ts';
import { engineUse } from './local/docker/use.ts';
import { mainMigrations } from './migrations.ts';
import { dropFinished } from './queue/records.ts';
import { createStorage } from './storage/storage.ts';
import { openStore } from './store/open.ts';
import { openHistoryRecords } from './telemetry/requests/records.ts';
import { webhookRecords } from './webhooks/records.ts';
import { UserError } from './wire/errors.ts';

const droppedAtOnce = 1_000;

export interface Cleaned {
  readonly environments: number;
  readonly images: number;
  readonly requests: number;
  readonly files: number;
  readonly values: number;
  /** Of environments, images, packages for functions in images, and files. */
  readonly bytes: number;
  /** Notices from opening the store, and why images stayed. */
  readonly notices: readonly string[];
}

/** The last request is kept for its number: none is used twice in a folder. */
function cleanHistory(file: string): void {
  const records = openHistoryRecords(file);
  const limits = { before: Number.NEGATIVE_INFINITY, belowNumber: records.lastNumber() };
  while (records.dropOldest(limits, droppedAtOnce) === droppedAtOnce);
  records.close();
}

/** Images that were built here, and containers of an emulator that was killed. */
async function cleanImages(folder: string, revisions: readonly Revision[]) {
  const use = engineUse(folder);
  if (!use.wasUsed) return { images: 0, bytes: 0, notices: [] };
  try {
    const engine = await use.engine();
    await removeContainers(engine, use.owner);
    return { ...(await removeUnusedImages(engine.api, use.owner, revisions)), notices: [] };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const notice = `Images of apps were not cleaned. ${error.message} ${error.next}`;
    return { images: 0, bytes: 0, notices: [notice] };
  }
}

/**
 * Frees what nobody needs: environments and images that no revision uses, finished requests (but those whose webhook
 * is still owed), expired files and values. Apps, keys, secrets, unfinished requests and `/data` stay. The folder must
 * be locked by the caller.
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
    const inUse = environmentsInUse(catalog);
    const unused = await removeUnused(folder, inUse);
    const packages = removeUnusedPackages(folder, inUse);
    const images = await cleanImages(folder, catalog.revisions(null));
    return {
      environments: unused.environments,
      images: images.images,
      requests,
      files,
      values,
      bytes: bytes + unused.bytes + packages + images.bytes,
      notices: [...store.notices(), ...images.notices],
    };
  } finally {
    store.close();
  }
}
