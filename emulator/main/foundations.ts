import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { tokenKey } from '../catalog/identity.ts';
import { openSecretKey, type SecretKey } from '../catalog/secrets/secret-key.ts';
import { loadOrCreateTls, type TlsMaterial } from '../edge/tls/ca.ts';
import { asDiskTrouble, DiskTrouble } from '../local/disk-trouble.ts';
import type { Report } from '../local/loop/contain.ts';
import { createSteady, type Steady } from '../local/loop/steady.ts';
import { makeFolder } from '../local/make-folder.ts';
import { templatesFolder } from '../local/templates/find.ts';
import { readTemplate } from '../local/templates/read.ts';
import { writeSkeleton } from '../local/templates/skeleton.ts';
import { readPipSettings } from '../local/uv/pip-settings.ts';
import { mainMigrations } from '../migrations.ts';
import { createCheckpoints } from '../store/checkpoints.ts';
import { openStore, type Store } from '../store/open.ts';
import { openPatiently } from '../store/patience.ts';
import { createLogs } from '../telemetry/logs.ts';
import { createMask, type Mask } from '../telemetry/masking/mask.ts';
import { createOwnLog, type OwnLog } from '../telemetry/own-log.ts';
import { type HistoryRecords, openHistoryRecords } from '../telemetry/requests/records.ts';
import { createRunnerHistory, type RunnerHistory } from '../telemetry/runners.ts';
import { openSampleRecords } from '../telemetry/samples/records.ts';
import { createSamples, type Samples } from '../telemetry/samples/samples.ts';
import type { Logs } from '../telemetry/types.ts';
import { UserError } from '../wire/errors.ts';
import { lastWrite } from './last-write.ts';
import type { EmulatorOptions } from './options.ts';

const logBytes = 512 * 1024 * 1024;

/** What exists before the ports are open. */
export interface Ground {
  /** Milliseconds since the epoch: for stored and displayed times. */
  readonly clock: () => number;
  readonly startedAt: number;
  /** For durations. */
  readonly steady: Steady;
  readonly tls: TlsMaterial;
  /** For programs that we start: the machine's roots, pip's own, and ours. */
  readonly caBundle: string;
  readonly mask: Mask;
  readonly ownLog: OwnLog;
}

/** Creates the data folder's own folders and the local authority, and opens the log for problems from now on. */
export async function prepareGround({ folder }: Pick<EmulatorOptions, 'folder'>): Promise<Ground> {
  const clock = Date.now;
  const [startedAt, steady] = [clock(), createSteady(clock)];
  // Programs are started from these folders: whatever the umask, no other user may place a program there.
  for (const name of ['agents', 'compile-caches', 'environments', 'runners', 'tools'])
    makeFolder(join(folder, name), 0o700);
  const tls = await loadOrCreateTls(folder);
  const caBundle = join(folder, 'tls', 'bundle.pem');
  // Includes pip's own authority: a company that configures pip with one means it for every install.
  tls.writeBundle(caBundle, [readPipSettings(process.env).cert]);
  const mask = createMask();
  const ownLog = createOwnLog(join(folder, 'emulator.log'), clock, mask);
  try {
    writeSkeleton(folder, readTemplate(templatesFolder(), 'hello'));
  } catch (error) {
    // Only `fal create` needs it.
    ownLog.report(error);
  }
  return {
    clock,
    startedAt,
    steady,
    tls,
    caBundle,
    mask,
    ownLog,
  };
}

/** The foundations that every room uses. */
export interface Foundations extends Ground {
  readonly store: Store;
  /** The logs of apps. */
  readonly logs: Logs;
  readonly historyRecords: HistoryRecords;
  readonly runnerHistory: RunnerHistory;
  /** What runners used. */
  readonly samples: Samples;
  /** Records a bug in the emulator's own log. Disk trouble goes to the store, which waits until it is over. */
  readonly report: Report;
  readonly keys: {
    /** The key that opens the secrets, or why they stay sealed. */
    readonly secrets: SecretKey;
    /** The key that signs tokens. */
    readonly tokens: Buffer;
    /** Identifies calls of runners to our label service. */
    readonly controller: string;
  };
  /** What the user should know: damaged files, and data that was dropped. */
  notices(): readonly string[];
  close(): void;
}

type FoundationOptions = Pick<EmulatorOptions, 'folder' | 'keychain' | 'print' | 'onGone'>;

/** Opens the data on disk. Waits a while if another program has locked it. @throws UserError, DiskTrouble */
export async function openFoundations(
  { folder, keychain, print, onGone }: FoundationOptions,
  ground: Ground,
): Promise<Foundations> {
  const { mask, ownLog } = ground;
  const announce = (sentence: string): void => {
    ownLog.info('disk', sentence);
    print(sentence);
  };
  const waitForLock = ({ message, remedy }: DiskTrouble): void =>
    announce(`${message} ${remedy} minifal is waiting for it.`);
  const onTrouble = (trouble: DiskTrouble | null): void => {
    if (trouble?.trouble === 'gone') onGone(textOf(trouble));
    else announce(trouble ? textOf(trouble) : 'The data folder is writable again; minifal has resumed.');
  };
  const lastSeenAt = lastWrite(folder);
  const checkpoints = createCheckpoints(ground.ownLog.report);
  const store = await openPatiently(
    () =>
      openStore(join(folder, 'minifal.db'), {
        migrations: mainMigrations,
        synchronous: 'FULL',
        onTrouble,
        checkpoints,
      }),
    waitForLock,
  );
  const report: Report = (error) => {
    const disk = asDiskTrouble(error);
    if (!disk) ownLog.report(error);
    // The store has reported its own trouble; trouble with a file is reported here, until the store can write.
    else if (!(error instanceof DiskTrouble)) store.recordTrouble(disk);
  };
  const { key: secrets, notice } = openSecretKey(folder, keychain);
  if (secrets instanceof UserError) store.notice(textOf(secrets));
  const controller = randomBytes(32).toString('hex');
  mask.hold([controller]);
  if (notice !== undefined) ownLog.info('secrets', notice);
  const logs = await openPatiently(
    () => createLogs({ file: join(folder, 'logs.db'), maxBytes: logBytes, mask, report, checkpoints }),
    waitForLock,
  );
  const historyRecords = await openPatiently(
    () => openHistoryRecords(join(folder, 'history.db'), checkpoints),
    waitForLock,
  );
  const sampleRecords = await openPatiently(() => openSampleRecords(join(folder, 'samples.db')), waitForLock);
  const samples = createSamples({ records: sampleRecords, clock: ground.clock, report });
  return {
    ...ground,
    store,
    logs,
    historyRecords,
    samples,
    runnerHistory: createRunnerHistory({ store, clock: ground.clock, lastSeenAt, report }),
    report,
    keys: { secrets, tokens: tokenKey(folder), controller },
    notices: () => [...store.notices(), ...logs.notices(), ...historyRecords.notices(), ...samples.notices()],
    close() {
      samples.close();
      logs.close();
      store.close();
      void checkpoints.close();
    },
  };
}

function textOf({ message, next }: UserError): string {
  return `${message} ${next}`;
}
