import type { UserErrorCode } from '../wire/error-codes.ts';
import { type DiskTroubleKind, UserError } from '../wire/errors.ts';

const texts: {
  readonly [kind in DiskTroubleKind]: { readonly code: UserErrorCode; readonly what: string; readonly remedy: string };
} = {
  full: {
    code: 'DISK_FULL',
    what: 'The disk is full: minifal cannot write its data folder',
    remedy: 'Free some space on it.',
  },
  readonly: {
    code: 'DISK_READ_ONLY',
    what: 'The disk is read-only: minifal cannot write its data folder',
    remedy: 'Check that the disk is mounted read-write and that you can write to the folder.',
  },
  io: {
    code: 'DISK_FAILING',
    what: 'The disk reports errors: minifal cannot use its data folder',
    remedy: 'Check the disk, its connection and your quota on it; see the system log for details.',
  },
  locked: {
    code: 'DATABASE_LOCKED',
    what: "Another program has locked minifal's database in the data folder",
    remedy: 'Close the program that uses the file (a database browser, a backup).',
  },
  gone: {
    code: 'DATA_FOLDER_GONE',
    what: 'The data folder, its database or its lock was deleted, moved or replaced while minifal was running',
    remedy: 'Restore it if you can, then start minifal again.',
  },
};

/** The system accepts no writes at present, which is not a bug. What was promised is kept and written later. */
export class DiskTrouble extends UserError {
  readonly trouble: DiskTroubleKind;
  /** The system's message. */
  readonly why: string;
  /** What the user can do about it, also if no emulator is running. */
  readonly remedy: string;

  constructor(trouble: DiskTroubleKind, why: string) {
    const { code, what, remedy } = texts[trouble];
    super(
      code,
      `${what} (${why}).`,
      trouble === 'gone'
        ? `${remedy} Nothing more can be stored, so minifal stops.`
        : `${remedy} Accepted requests are kept. minifal resumes automatically; new requests are refused until then.`,
    );
    this.name = 'DiskTrouble';
    this.trouble = trouble;
    this.why = why;
    this.remedy = remedy;
  }
}

/**
 * SQLite's primary result codes for refusals by the system: BUSY and LOCKED, READONLY, IOERR, FULL, PROTOCOL (the lock
 * of the write-ahead log's index).
 */
const sqliteKinds: ReadonlyMap<number, DiskTroubleKind> = new Map([
  [5, 'locked'],
  [6, 'locked'],
  [8, 'readonly'],
  [10, 'io'],
  [13, 'full'],
  [15, 'locked'],
]);
/** IOERR_SHMSIZE: no room for the write-ahead log's index, mostly because the disk is full (SQLite's own words). */
const noRoomForIndex = 4874;
const fileKinds: ReadonlyMap<unknown, DiskTroubleKind> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EROFS', 'readonly'],
  ['EIO', 'io'],
]);

/** The error as disk trouble, if SQLite or a file reports that the system accepts no writes; otherwise `undefined`. */
export function asDiskTrouble(error: unknown): DiskTrouble | undefined {
  if (error instanceof DiskTrouble) return error;
  if (!(error instanceof Error)) return undefined;
  const kind = kindOf(error);
  return kind && new DiskTrouble(kind, error.message);
}

function kindOf(error: Error): DiskTroubleKind | undefined {
  if ('errcode' in error && typeof error.errcode === 'number') {
    return error.errcode === noRoomForIndex ? 'full' : sqliteKinds.get(error.errcode & 0xff);
  }
  return 'code' in error ? fileKinds.get(error.code) : undefined;
}
