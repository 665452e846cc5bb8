import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { asDiskTrouble, DiskTrouble } from '../local/disk-trouble.ts';
import { UserError } from '../wire/errors.ts';
import type { Checkpoints } from './checkpoints.ts';
import { DamagedStore, isDamage, moveAside } from './damage.ts';
import { createKeeping, type Keeping } from './keep.ts';
import { type Migration, migrate } from './migrate.ts';
import { placeOf } from './place.ts';
import { salvage } from './salvage.ts';
import { createSyncs, type Sync } from './syncs.ts';

/** One SQLite file, opened by one process. Each room keeps its own tables in it. */
export interface Store extends Pick<Keeping, 'transactEach' | 'keep' | 'trouble' | 'followTrouble' | 'recordTrouble'> {
  readonly file: string;
  /** Returns the statement, prepared once and cached. `text` must be a constant of the code, never built from input. */
  sql(text: string): StatementSync;
  /**
   * Runs `work` in one transaction: committed when this returns, rolled back when it throws. Can't be nested.
   * @throws DiskTrouble when the system accepts no more writes
   */
  transaction<T>(work: () => T): T;
  /**
   * Resolves when everything that `transactEach` has committed is on the disk. If the disk fails meanwhile, it resolves
   * when the disk has it after all: what was committed will be there after a restart, so it can't be refused any more.
   */
  synced(): Promise<void>;
  /** A sync that runs now, which never rejects: what is committed before it ends must wait for the next one. */
  syncing(): Promise<void> | undefined;
  /** Sentences for the person who starts the emulator: what was damaged, what was dropped, where the rest is. */
  notices(): readonly string[];
  /** Adds a sentence, once. */
  notice(sentence: string): void;
  /** Called when the store closes, while it can still be written. */
  beforeClose(write: () => void): void;
  /** Copies the write-ahead log into the file; after this, the file alone is the whole store. */
  close(): void;
}

export interface StoreOptions {
  readonly migrations: readonly Migration[];
  /**
   * FULL: a commit survives power loss, one of `transactEach` when `synced` has resolved. NORMAL: a commit survives
   * only a crash of the process (logs).
   */
  readonly synchronous: 'FULL' | 'NORMAL';
  /** Default: the system's. */
  readonly sync?: Sync;
  /** Default: SQLite's own, within commits. */
  readonly checkpoints?: Checkpoints | undefined;
  /** Queries of a start. Damage that they meet counts like damage that a check finds. */
  readonly firstReads?: readonly string[];
  /** Called when nothing can be written any more (once for each reason), and with `null` when writes work again. */
  readonly onTrouble?: (trouble: DiskTrouble | null) => void;
}

const mebibyte = 1024 ** 2;
/** Up to this size every index is compared with its table (measured: up to 12 ms per MB of small rows). */
const compareIndexesBytes = 8 * mebibyte;
/**
 * Up to this size the file's structure is checked on every start (measured: 1 to 1.5 ms per MB): what was promised is
 * worth more time than logs and history, whose large files would delay each start.
 */
const alwaysCheckBytes = { FULL: 64 * mebibyte, NORMAL: 8 * mebibyte } as const;
const smallestDatabase = 512;
/** With less free space, the disk counts as full once a write has failed. */
const minRoomBytes = 1024 * 1024;
/**
 * Together, these statements leave all data unchanged. A single one that sets the existing value would write nothing.
 */
const writeAndUndo = [
  'UPDATE store_meta SET version = version + 1',
  'UPDATE store_meta SET version = version - 1',
] as const;
/**
 * How long a statement waits for another program's lock. This blocks everything else: code that can wait longer does so
 * asynchronously (keep.ts, group-commit.ts), and nothing waits for a lock that is already known.
 */
const busyTimeoutMs = 5;
/**
 * The write-ahead log is truncated to this size when it begins again from its start, so that a burst of large bodies
 * doesn't stay on disk.
 */
const walLimitBytes = 4 * mebibyte;
/**
 * With checkpoints on a thread, SQLite's own copy only what is left: a log that is written to without a pause could
 * never begin again from its start otherwise. A page has 4 KiB.
 */
const checkpointPages = 4_096;
/** A failed sync of the write-ahead log is made good for after this pause, and again. */
const resyncMs = 1_000;

/**
 * Opens the store, creates it if it doesn't exist, and migrates its tables to the current version.
 *
 * A damaged or truncated file never stops the emulator: it is moved aside, a new one receives what can still be read,
 * and `notices()` reports what was dropped (docs/quality.md#damaged-files).
 * @throws UserError when a newer minifal wrote the file, or when the file cannot be accessed at all
 * @throws DiskTrouble when another program has locked it (`openPatiently` waits for that)
 */
export function openStore(file: string, options: StoreOptions): Store {
  const notices: string[] = [];
  const last: (() => void)[] = [];
  const db = connect(file, options, notices);
  const isSameFile = placeOf(file);
  // Elsewhere, Node's sync waits for the drive's own cache, which takes far longer than SQLite's (macOS).
  const isLazy = options.synchronous === 'FULL' && (options.sync !== undefined || process.platform === 'linux');
  const checkpoints = options.checkpoints?.watch(file);
  if (checkpoints) db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  const syncs = createSyncs(`${file}-wal`, options.sync);
  let level = options.synchronous;
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (!statement) {
      statement = db.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
  const probe = (): void => writeAndUndo.forEach((text) => void sql(text).run());
  const keeping = createKeeping({
    transact,
    transactLazily: isLazy ? (work) => transact(work, 'NORMAL') : transact,
    probe,
    hasRoom: () => freeBytes(file) >= minRoomBytes,
    undoable,
    onTrouble(trouble) {
      db.exec(`PRAGMA busy_timeout = ${trouble?.trouble === 'locked' ? 0 : busyTimeoutMs}`);
      options.onTrouble?.(trouble);
    },
  });
  return {
    file,
    sql,
    transaction: keeping.transaction,
    transactEach: keeping.transactEach,
    synced: isLazy ? synced : () => Promise.resolve(),
    syncing: syncs.running,
    keep: keeping.keep,
    trouble: keeping.trouble,
    followTrouble: keeping.followTrouble,
    recordTrouble: keeping.recordTrouble,
    notices: () => notices,
    notice(sentence) {
      if (!notices.includes(sentence)) notices.push(sentence);
    },
    beforeClose: (write) => void last.push(write),
    close() {
      for (const write of last) write();
      keeping.close();
      checkpoints?.end();
      db.close();
      syncs.close();
    },
  };

  /** `NORMAL`: SQLite doesn't sync the commit. */
  function transact<T>(work: () => T, wanted: typeof level = options.synchronous): T {
    if (level !== wanted) db.exec(`PRAGMA synchronous = ${wanted}`);
    level = wanted;
    sql('BEGIN IMMEDIATE').run();
    try {
      const value = work();
      sql('COMMIT').run();
      // SQLite commits into a deleted file without an error.
      if (!isSameFile()) throw new DiskTrouble('gone', file);
      checkpoints?.committed();
      return value;
    } catch (error) {
      rollBack(db);
      throw error;
    }
  }

  async function synced(): Promise<void> {
    try {
      return await syncs.synced();
    } catch (error) {
      recordFailure(error);
    }
    // The system may have dropped what it couldn't write, and the next sync would succeed without it. A checkpoint
    // writes what was committed into the file itself.
    for (;;) {
      await keeping.keep(probe);
      try {
        if (isCopied()) return;
      } catch (error) {
        recordFailure(error);
      }
      await delay(resyncMs, undefined, { ref: false });
    }
  }

  /** Copies the write-ahead log into the file. False: a reader or a checkpoint on the thread didn't let it finish. */
  function isCopied(): boolean {
    const { busy, log, checkpointed } = sql('PRAGMA wal_checkpoint').get() ?? {};
    return busy === 0 && log === checkpointed;
  }

  /** @throws if it isn't the disk's */
  function recordFailure(error: unknown): void {
    const trouble = asDiskTrouble(error);
    if (!trouble) throw error;
    keeping.recordTrouble(trouble);
  }

  function undoable(piece: () => void): void {
    sql('SAVEPOINT piece').run();
    try {
      piece();
    } catch (error) {
      undo();
      throw error;
    }
    sql('RELEASE piece').run();
  }

  function undo(): void {
    try {
      sql('ROLLBACK TO piece').run();
      sql('RELEASE piece').run();
    } catch {
      // After a full disk, SQLite has already rolled back everything; the first error is the one to report.
    }
  }
}

function freeBytes(file: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize;
  } catch {
    return 0; // the folder is gone: nothing can be written either
  }
}

function connect(file: string, options: StoreOptions, notices: string[]): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // SQLite treats an empty file as a new database and would start over without an error.
  if (existsSync(file) && statSync(file).size === 0) notices.push(`${file} was empty; a new one was created.`);
  try {
    return open(file, options);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const disk = asDiskTrouble(error);
    if (disk?.trouble === 'locked') throw disk;
    if (!isDamage(error, file)) {
      throw new UserError(
        'DATABASE_UNREADABLE',
        `${file} cannot be opened: ${(error as Error).message}.`,
        disk?.remedy ?? 'Check the permissions and the free space.',
      );
    }
    const aside = moveAside(file);
    const fresh = open(file, options);
    notices.push(
      `${file} was damaged (${(error as Error).message}). ${salvage(aside, fresh)} The damaged file: ${aside}`,
    );
    return fresh;
  }
}

function open(file: string, { migrations, synchronous, firstReads = [] }: StoreOptions): DatabaseSync {
  const crashed = existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0;
  const bytes = existsSync(file) ? statSync(file).size : 0;
  // SQLite would treat a file this short as a new one, too.
  if (bytes > 0 && bytes < smallestDatabase) throw new DamagedStore(`cut to ${bytes} bytes`);
  ownerOnly(file);
  const db = new DatabaseSync(file);
  try {
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    // Must come before the first table; lets prune return pages to the file system.
    if (bytes === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    db.exec('PRAGMA journal_mode = WAL');
    db.exec(`PRAGMA synchronous = ${synchronous}`);
    db.exec('PRAGMA foreign_keys = ON');
    db.exec(`PRAGMA journal_size_limit = ${walLimitBytes}`);
    const kind = checkOf(bytes, crashed, synchronous);
    if (kind) check(db, kind);
    migrate(db, migrations, file);
    if (!kind) for (const text of firstReads) db.prepare(text).all();
    // A store that can't be written must be detected now, not at the first request.
    db.exec(`BEGIN; ${writeAndUndo.join('; ')}; COMMIT`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Restricts the permissions, because requests may contain anything. Must run before SQLite opens the file, because the
 * write-ahead log inherits the file's permissions.
 */
function ownerOnly(file: string): void {
  try {
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    else if ((statSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
  } catch {
    // SQLite itself reports a location that can't be written, with a better message.
  }
}

/**
 * Which check a file of this size gets at start, so that starting stays fast. A large file is checked only after a
 * crash.
 */
export function checkOf(
  bytes: number,
  crashed: boolean,
  synchronous: StoreOptions['synchronous'],
): 'integrity_check' | 'quick_check' | undefined {
  if (bytes === 0) return undefined;
  if (bytes <= compareIndexesBytes) return 'integrity_check';
  return bytes <= alwaysCheckBytes[synchronous] || crashed ? 'quick_check' : undefined;
}

function check(db: DatabaseSync, kind: 'quick_check' | 'integrity_check'): void {
  const finding = Object.values(db.prepare(`PRAGMA ${kind}(1)`).get() ?? {})[0];
  if (finding !== 'ok') throw new DamagedStore(String(finding).replaceAll('\n', ' '));
}

function rollBack(db: DatabaseSync): void {
  try {
    db.exec('ROLLBACK');
  } catch {
    // After a full disk, SQLite has already rolled back; the first error is the one to report.
  }
}
