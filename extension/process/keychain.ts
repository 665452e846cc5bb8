import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type KeychainOrder, keyIdOf, type SealedKey } from '../target/secret-file.ts';

/** When the key of the emulator's secrets is sealed; `auto`: where the keychain is one of this machine. */
export type SealSecrets = 'auto' | 'always' | 'never';

/** The keychain's key that seals what is open. What is sealed already names the key that it needs. */
export interface SealingKey {
  /** `null`: none was made, or it is in the one entry of earlier versions. */
  readonly id: string | null;
  /**
   * Something was sealed with it: when the keychain doesn't show it, that keychain is not to be trusted with another.
   */
  readonly inUse: boolean;
}

/** What the editor keeps for us between sessions. */
export interface KeychainDeps {
  /** `ExtensionContext.secrets`: asked when an emulator starts and its key is sealed, or may be; never before. */
  readonly secrets: {
    get(name: string): PromiseLike<string | undefined>;
    store(name: string, value: string): PromiseLike<void>;
  };
  readonly sealingKey: { get(): SealingKey; set(value: SealingKey): PromiseLike<void> };
  /**
   * The editor's name of this session (the same for all where telemetry is switched off), and the run that it is part
   * of; empty: unknown.
   */
  readonly session: string;
  readonly run: string;
  /**
   * The keychain is one of the machine on which the emulator runs: neither a browser's storage nor that of another
   * machine.
   */
  readonly isLocal: boolean;
  readonly patienceMs?: number;
}

export interface Keychain {
  /**
   * What the emulator that is about to start on a folder is to be given; `undefined`: nothing. Never rejects: a
   * keychain may be broken.
   */
  order(options: {
    readonly sealed: SealedKey | undefined;
    readonly setting: SealSecrets;
    readonly log: (sentence: string) => void;
  }): Promise<KeychainOrder | undefined>;
  /**
   * The sealed key was set aside: what is sealed from now on may have another key. No entry is ever replaced or
   * removed.
   */
  startAnew(): Promise<void>;
}

/** The one entry of earlier versions; only read, and copied to an entry of its own. */
const oldEntryName = 'minifal.wrappingKey';
const entryName = (keyId: string): string => `${oldEntryName}.${keyId}`;
const entry = z.object({ key: z.string().regex(/^[0-9a-f]{64}$/), session: z.string(), run: z.string() });
type Entry = z.infer<typeof entry>;

/**
 * The keys that seal the emulator's secrets, in the editor's keychain: an entry for each, under its id, which the
 * sealed file names. So a data folder that turns up again, or a second one, finds its own. Some keychains forget
 * (headless Linux, editors in a browser), some only when the editor ends; so nothing is sealed before a value that an
 * earlier run of the editor had stored was read back.
 */
export function createKeychain(deps: KeychainDeps): Keychain {
  const { secrets, sealingKey, session, run, isLocal, patienceMs = 60_000 } = deps;

  async function read(name: string): Promise<Entry | undefined> {
    const found = await inTime(secrets.get(name), patienceMs);
    const parsed = entry.safeParse(found === undefined ? undefined : tryJson(found));
    return parsed.success ? parsed.data : undefined;
  }

  /** `null`: whichever the old entry holds. */
  async function find(keyId: string | null): Promise<Entry | undefined> {
    const own = keyId === null ? undefined : await read(entryName(keyId));
    if (own) return own;
    const old = await read(oldEntryName);
    if (!old || (keyId !== null && keyIdOf(old.key) !== keyId)) return undefined;
    // When that fails, the old entry is still there the next time.
    await store(old).catch(() => undefined);
    return old;
  }

  async function store(value: Entry): Promise<void> {
    await inTime(secrets.store(entryName(keyIdOf(value.key)), JSON.stringify(value)), patienceMs);
  }

  async function tryIt({ inUse }: SealingKey): Promise<string> {
    if (inUse) return 'the keychain does not have the key that it once had; nothing is sealed';
    const value: Entry = { key: randomBytes(32).toString('hex'), session, run };
    await store(value);
    await sealingKey.set({ id: keyIdOf(value.key), inUse: false });
    return 'the keychain is tried: secrets are sealed once it was seen to remember';
  }

  /** Windows of one run share what it has in memory, so that counts where it is known. */
  const isProven = (found: Entry): boolean =>
    run !== '' && found.run !== '' ? found.run !== run : found.session !== session;

  return {
    async order({ sealed, setting, log }) {
      const wanted = setting === 'always' || (setting === 'auto' && isLocal);
      if (!sealed && !wanted) return undefined;
      try {
        if (sealed) {
          const found = await find(sealed.keyId);
          if (!found) log('the keychain does not have the key of the sealed secrets');
          return found && { wrappingKey: found.key, want: setting === 'never' ? 'unseal' : 'open' };
        }
        const known = sealingKey.get();
        const found = await find(known.id);
        if (!found) {
          log(await tryIt(known));
          return undefined;
        }
        if (!isProven(found)) return undefined;
        await sealingKey.set({ id: keyIdOf(found.key), inUse: true });
        return { wrappingKey: found.key, want: 'seal' };
      } catch (error) {
        log(`the keychain cannot be used: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      }
    },
    startAnew: async () => sealingKey.set({ ...sealingKey.get(), inUse: false }),
  };
}

/** A desktop may ask for a password first; one that never answers holds up nobody for longer than that. */
async function inTime<T>(asked: PromiseLike<T>, patienceMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it does not answer')), patienceMs);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
