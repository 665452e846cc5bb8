import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readPipSettings } from '../builds/uv/pip-settings.ts';
import { tokenKey } from '../catalog/identity.ts';
import { openSecretKey, type SecretKey } from '../catalog/secrets/secret-key.ts';
import { loadOrCreateTls, type TlsMaterial } from '../edge/tls/ca.ts';
import { asDiskTrouble, DiskTrouble } from '../local/disk-trouble.ts';
import type { Report } from '../local/loop/contain.ts';
import { createSteady, type Steady } from '../local/loop/steady.ts';
import { makeFolder } from '../local/make-folder.ts';
import { mainMigrations } from '../migrations.ts';
import { openStore, type Store } from '../store/open.ts';
import { openPatiently } from '../store/patience.ts';
import { createLogs } from '../telemetry/logs.ts';
import { createMask, type Mask } from '../telemetry/masking/mask.ts';
import { createOwnLog, type OwnLog } from '../telemetry/own-log.ts';
import type { Logs } from '../telemetry/types.ts';
import { UserError } from '../wire/errors.ts';
import type { EmulatorOptions } from './options.ts';

const logBytes = 512 * 1024 * 1024;

/** What is there before the ports are open. */
export interface Ground {
  /** Milliseconds since the epoch: for what is stored and shown. */
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

/** The data folder's own folders, the local authority, and where things are said that go wrong from now on. */
export async function prepareGround({ folder }: Pick<EmulatorOptions, 'folder'>): Promise<Ground> {
  const clock = Date.now;
  const [startedAt, steady] = [clock(), createSteady(clock)];
  // Programs run from these: whatever the umask, nobody else may put another one there.
  for (const name of ['agents', 'compile-caches', 'environments', 'runners', 'tools'])
    makeFolder(join(folder, name), 0o700);
  const tls = await loadOrCreateTls(folder);
  const caBundle = join(folder, 'tls', 'bundle.pem');
  // pip's own authority too: what a company set up for pip is meant for every install.
  tls.writeBundle(caBundle, [readPipSettings(process.env).cert]);
  const mask = createMask();
  return {
    clock,
    startedAt,
    steady,
    tls,
    caBundle,
    mask,
    ownLog: createOwnLog(join(folder, 'emulator.log'), clock, mask),
  };
}

/** What every room is built on. */
export interface Foundations extends Ground {
  readonly store: Store;
  /** Of apps. */
  readonly logs: Logs;
  /** Writes a bug down in the emulator's own log; disk trouble goes to the store, which waits until it is over. */
  readonly report: Report;
  readonly keys: {
    /** What opens the secrets; or why they stay sealed. */
    readonly secrets: SecretKey;
    /** What signs tokens. */
    readonly tokens: Buffer;
    /** By which runners' calls to our label service are known. */
    readonly controller: string;
  };
  /** What a person should know: what was damaged, what was dropped. */
  notices(): readonly string[];
  close(): void;
}

type Asked = Pick<EmulatorOptions, 'folder' | 'keychain' | 'tell' | 'onGone'>;

/** Opens what is on disk. Waits a while for another program that has locked it. @throws UserError, DiskTrouble */
export async function openFoundations({ folder, keychain, tell, onGone }: Asked, ground: Ground): Promise<Foundations> {
  const { mask, ownLog } = ground;
  const say = (sentence: string): void => {
    ownLog.info('disk', sentence);
    tell(sentence);
  };
  const waitForLock = ({ message, remedy }: DiskTrouble): void => say(`${message} ${remedy} minifal waits for that.`);
  const onTrouble = (trouble: DiskTrouble | null): void => {
    if (trouble?.trouble === 'gone') onGone(wordsOf(trouble));
    else say(trouble ? wordsOf(trouble) : 'The data folder takes writes again; everything continues.');
  };
  const store = await openPatiently(
    () => openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL', onTrouble }),
    waitForLock,
  );
  const report: Report = (error) => {
    const disk = asDiskTrouble(error);
    if (!disk) ownLog.report(error);
    // The store has reported its own; what a file met is reported here, until the store could write.
    else if (!(error instanceof DiskTrouble)) store.meet(disk);
  };
  const { key: secrets, notice } = openSecretKey(folder, keychain);
  if (secrets instanceof UserError) store.notice(wordsOf(secrets));
  const controller = randomBytes(32).toString('hex');
  mask.hold([controller]);
  if (notice !== undefined) ownLog.info('secrets', notice);
  const logs = await openPatiently(
    () => createLogs({ file: join(folder, 'logs.db'), maxBytes: logBytes, mask, report }),
    waitForLock,
  );
  return {
    ...ground,
    store,
    logs,
    report,
    keys: { secrets, tokens: tokenKey(folder), controller },
    notices: () => [...store.notices(), ...logs.notices()],
    close() {
      logs.close();
      store.close();
    },
  };
}

function wordsOf({ message, next }: UserError): string {
  return `${message} ${next}`;
}
