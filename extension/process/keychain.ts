import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type KeychainOrder, keyIdOf, type SealedKey } from '../target/secret-file.ts';

/** When to seal the key of the emulator's secrets; `auto`: if the keychain belongs to this machine. */
export type SealSecrets = 'auto' | 'always' | 'never';

/** The key with which new files are sealed. A sealed file names the key that opens it. */
export interface SealingKey {
  /** `null`: no key was made, or it is in the single entry of earlier versions. */
  readonly id: string | null;
  /** Something was sealed with this key. If the keychain no longer has it, the keychain gets no other key. */
  readonly inUse: boolean;
}

/** The state that the editor stores between sessions. */
export interface KeychainDeps {
  /** `ExtensionContext.secrets`. Used only when an emulator starts whose key is, or may be, sealed. */
  readonly secrets: {
    get(name: string): PromiseLike<string | undefined>;
    store(name: string, value: string): PromiseLike<void>;
  };
  readonly sealingKey: { get(): SealingKey; set(value: SealingKey): PromiseLike<void> };
  /**
   * The editor's id for this session (the same for all sessions if telemetry is switched off), and the run of the
   * editor that it belongs to; empty: unknown.
   */
  readonly session: string;
  readonly run: string;
  /**
   * The keychain belongs to the machine that runs the emulator; it is neither a browser's storage nor on another
   * machine.
   */
  readonly isLocal: boolean;
  readonly timeoutMs?: number;
}

export interface Keychain {
  /**
   * The keychain order for an emulator that is about to start on a folder; `undefined`: none. Never rejects, even if
   * the keychain is broken.
   */
  order(options: {
    readonly sealed: SealedKey | undefined;
    readonly setting: SealSecrets;
    readonly log: (sentence: string) => void;
  }): Promise<KeychainOrder | undefined>;
  /**
   * Called after the sealed key was moved away: later seals may use another key. No entry is ever replaced or removed.
   */
  reset(): Promise<void>;
}

/** The single entry of earlier versions; only read, and copied to an entry of its own. */
const oldEntryName = 'minifal.wrappingKey';
const entryName = (keyId: string): string => `${oldEntryName}.${keyId}`;
const entry = z.object({ key: z.string().regex(/^[0-9a-f]{64}$/), session: z.string(), run: z.string() });
type Entry = z.infer<typeof entry>;

/**
 * The keys that seal the emulator's secrets, in the editor's keychain: an entry for each, under its id, which the
 * sealed file names. So a restored or a second data folder finds its own key. Some keychains lose their entries
 * (headless Linux, editors in a browser), some only when the editor exits. So nothing is sealed until a value that an
 * earlier run of the editor stored has been read back.
 */
export function createKeychain(deps: KeychainDeps): Keychain {
  const { secrets, sealingKey, session, run, isLocal, timeoutMs = 60_000 } = deps;

  async function read(name: string): Promise<Entry | undefined> {
    const found = await inTime(secrets.get(name), timeoutMs);
    const parsed = entry.safeParse(found === undefined ? undefined : tryJson(found));
    return parsed.success ? parsed.data : undefined;
  }

  /** `null`: the key in the old entry. */
  async function find(keyId: string | null): Promise<Entry | undefined> {
    const own = keyId === null ? undefined : await read(entryName(keyId));
    if (own) return own;
    const old = await read(oldEntryName);
    if (!old || (keyId !== null && keyIdOf(old.key) !== keyId)) return undefined;
    // If this fails, the old entry is still available the next time.
    await store(old).catch(() => undefined);
    return old;
  }

  async function store(value: Entry): Promise<void> {
    await inTime(secrets.store(entryName(keyIdOf(value.key)), JSON.stringify(value)), timeoutMs);
  }

  async function tryKeychain({ inUse }: SealingKey): Promise<string> {
    if (inUse) return 'the keychain has lost its key; secrets are not sealed';
    const value: Entry = { key: randomBytes(32).toString('hex'), session, run };
    await store(value);
    await sealingKey.set({ id: keyIdOf(value.key), inUse: false });
    return 'testing the keychain: secrets are sealed once it has kept an entry across a restart of the editor';
  }

  /** Windows of one run share its memory, so the run is compared where it is known. */
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
          log(await tryKeychain(known));
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
    reset: async () => sealingKey.set({ ...sealingKey.get(), inUse: false }),
  };
}

/** A desktop may prompt for a password first. A keychain that never answers delays a start by at most this long. */
async function inTime<T>(asked: PromiseLike<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it does not respond')), timeoutMs);
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
