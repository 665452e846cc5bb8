import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { inSlices } from '../local/loop/slices.ts';
import { syncFolder } from '../store/durable-file.ts';
import type { Store } from '../store/open.ts';
import { checksum, DamagedRow, integer, parsed, text } from '../store/rows.ts';
import type { Quota } from './quota.ts';
import type { Received } from './receive.ts';

/**
 * Who may read a file: the first rule that names the user decides, else the default
 * (docs/platform/rest.md#uploads-of-the-sdk).
 */
export interface Acl {
  readonly default: AclDecision;
  readonly rules: readonly { readonly user: string; readonly decision: AclDecision }[];
}
/** `hide`: as if there were no such file. */
export type AclDecision = 'allow' | 'forbid' | 'hide';

/** What is known of a file before its bytes come. */
export interface FileAbout {
  /** Opaque and not to be guessed: knowing it is the right to read, unless an ACL says otherwise. */
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly userId: string;
  /** `null`: kept until deleted. */
  readonly expiresAt: number | null;
  readonly acl: Acl | null;
}

export interface StoredFile extends FileAbout {
  readonly size: number;
  readonly md5: string;
}

/** Expired files that are forgotten in one turn of the event loop. */
const atOnce = 500;
const expiredOnes = `DELETE FROM stored_files WHERE id IN (
  SELECT id FROM stored_files WHERE expires_at <= ? LIMIT ${atOnce}) RETURNING size`;

const decision = z.enum(['allow', 'forbid', 'hide']);

/** On disk, whichever minifal wrote it. */
const fileDocument: z.ZodType<StoredFile> = z.object({
  id: z.string(),
  name: z.string(),
  contentType: z.string(),
  userId: z.string(),
  expiresAt: z.number().nullable(),
  acl: z.object({ default: decision, rules: z.array(z.object({ user: z.string(), decision })) }).nullable(),
  size: z.number(),
  md5: z.string(),
});

/** The files of the CDN: content below a folder, records in the store. */
export interface Files {
  /** An id for a file to come. */
  newId(): string;
  /**
   * Moves the content into place, durably; replaces an earlier content of the same id. Its bytes are in the quota
   * already.
   */
  keep(about: FileAbout, content: Received): Promise<StoredFile>;
  /** `undefined`: unknown or expired. `path` is for reading only. */
  find(id: string): { readonly file: StoredFile; readonly path: string } | undefined;
  /**
   * Removes expired files, and content that no record names, some at a time, until `isOver`. @returns how many, and
   * their bytes
   */
  prune(isOver?: () => boolean): Promise<{ readonly files: number; readonly bytes: number }>;
}

export function createFiles(options: {
  readonly folder: string;
  readonly store: Store;
  readonly quota: Quota;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}): Files {
  const { folder, store, quota, clock } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  quota.take(integer(store.sql('SELECT coalesce(sum(size), 0) AS used FROM stored_files').get() ?? {}, 'used'));
  const place = (id: string): string => join(folder, id.slice(0, 2), id);

  function forget(id: string): void {
    const row = store.sql('DELETE FROM stored_files WHERE id = ? RETURNING size').get(id);
    if (row) quota.give(integer(row, 'size'));
  }

  return {
    newId: () => randomBytes(16).toString('hex'),
    async keep(about, { file, size, md5 }) {
      const stored: StoredFile = { ...about, size, md5 };
      const document = JSON.stringify(stored);
      mkdirSync(join(folder, about.id.slice(0, 2)), { recursive: true, mode: 0o700 });
      // In one turn of the event loop, so that `prune` never sees the one without the other.
      renameSync(file, place(about.id));
      syncFolder(join(folder, about.id.slice(0, 2)));
      let former: number | undefined;
      store.transaction(() => {
        const row = store.sql('DELETE FROM stored_files WHERE id = ? RETURNING size').get(about.id);
        former = row && integer(row, 'size');
        store
          .sql('INSERT INTO stored_files (id, size, expires_at, about, check_sum) VALUES (?, ?, ?, ?, ?)')
          .run(about.id, size, about.expiresAt, document, checksum(document));
      });
      quota.give(former ?? 0);
      return stored;
    },
    find(id) {
      const row = store.sql('SELECT about, check_sum FROM stored_files WHERE id = ?').get(id);
      if (!row || !existsSync(place(id))) return undefined;
      try {
        const document = text(row, 'about');
        if (checksum(document) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
        const file = parsed(fileDocument, document);
        return file.expiresAt !== null && file.expiresAt <= clock() ? undefined : { file, path: place(id) };
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error;
        forget(id);
        store.notice(`The damaged record of a stored file (${id}) was dropped: ${error.message}.`);
        return undefined;
      }
    },
    async prune(isOver = () => false) {
      for (let some = atOnce; some === atOnce && !isOver(); await nextTurn()) {
        const expired = store.sql(expiredOnes).all(clock());
        for (const row of expired) quota.give(integer(row, 'size'));
        some = expired.length;
      }
      let [files, freed] = [0, 0];
      const known = store.sql('SELECT 1 FROM stored_files WHERE id = ?');
      for (const parent of await readdir(folder)) {
        // Asked and removed in one turn of the event loop, so that nothing is removed that `keep` is about to name.
        await inSlices(await readdir(join(folder, parent)), (id) => {
          if (isOver() || known.get(id)) return;
          freed += statSync(place(id), { throwIfNoEntry: false })?.size ?? 0;
          files += 1;
          rmSync(place(id), { force: true });
        });
      }
      return { files, bytes: freed };
    },
  };
}

/** May this user (`undefined`: nobody in particular) read the file? Anyone who stored it may. */
export function decide({ acl, userId }: StoredFile, names: readonly string[] | undefined): AclDecision {
  if (acl === null || names?.includes(userId)) return 'allow';
  return acl.rules.find((rule) => names?.includes(rule.user))?.decision ?? acl.default;
}
