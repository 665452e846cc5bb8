import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { KeychainOrder } from '../target/secret-file.ts';

/** When the key of the emulator's secrets is sealed; `auto`: where the keychain is one of this machine. */
export type SealSecrets = 'auto' | 'always' | 'never';

/** What the editor keeps for us between sessions. */
export interface KeychainDeps {
  /** `ExtensionContext.secrets`: asked when an emulator starts and its key is sealed, or may be; never before. */
  readonly secrets: {
    get(name: string): PromiseLike<string | undefined>;
    store(name: string, value: string): PromiseLike<void>;
  };
  /** Whether anything was ever sealed with the keychain's key: such a key is never replaced, even when the keychain doesn't show it. */
  readonly everSealed: { get(): boolean; set(value: boolean): PromiseLike<void> };
  /** The editor's name of this session (the same for all where telemetry is switched off), and the run that it is part of; empty: unknown. */
  readonly session: string;
  readonly run: string;
  /** The keychain is one of the machine on which the emulator runs: neither a browser's storage nor that of another machine. */
  readonly isLocal: boolean;
  readonly patienceMs?: number;
}

export interface Keychain {
  /** What the emulator that is about to start on a folder is to be told; `undefined`: nothing. Never rejects: a keychain may be broken. */
  order(options: {
    readonly isSealed: boolean;
    readonly setting: SealSecrets;
    readonly log: (sentence: string) => void;
  }): Promise<KeychainOrder | undefined>;
  /** The sealed key was set aside: nothing that the keychain lost is needed any more. */
  startAnew(): Promise<void>;
}

const entryName = 'minifal.wrappingKey';
const entry = z.object({ key: z.string().regex(/^[0-9a-f]{64}$/), session: z.string(), run: z.string() });
type Entry = z.infer<typeof entry>;

/**
 * The key that seals the emulator's secrets, in the editor's keychain. Some keychains forget (headless Linux, editors in a browser), some only
 * when the editor ends; so nothing is sealed before a value that an earlier run of the editor had stored was read back.
 */
export function createKeychain(deps: KeychainDeps): Keychain {
  const { secrets, everSealed, session, run, isLocal, patienceMs = 60_000 } = deps;

  async function stored(): Promise<Entry | undefined> {
    const found = await inTime(secrets.get(entryName), patienceMs);
    const parsed = entry.safeParse(found === undefined ? undefined : tryJson(found));
    return parsed.success ? parsed.data : undefined;
  }

  async function tryIt(): Promise<string> {
    if (everSealed.get()) return 'the keychain does not have the key that it once had; nothing is sealed';
    const value: Entry = { key: randomBytes(32).toString('hex'), session, run };
    await inTime(secrets.store(entryName, JSON.stringify(value)), patienceMs);
    return 'the keychain is tried: secrets are sealed once it was seen to remember';
  }

  /** Windows of one run share what it has in memory, so that counts where it is known. */
  const isProven = (found: Entry): boolean =>
    run !== '' && found.run !== '' ? found.run !== run : found.session !== session;

  return {
    async order({ isSealed, setting, log }) {
      const wanted = setting === 'always' || (setting === 'auto' && isLocal);
      if (!isSealed && !wanted) return undefined;
      try {
        const found = await stored();
        if (isSealed) {
          if (!found) log('the keychain does not have the key of the sealed secrets');
          return found && { wrappingKey: found.key, want: setting === 'never' ? 'unseal' : 'open' };
        }
        if (!found) {
          log(await tryIt());
          return undefined;
        }
        if (!isProven(found)) return undefined;
        await everSealed.set(true);
        return { wrappingKey: found.key, want: 'seal' };
      } catch (error) {
        log(`the keychain cannot be used: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      }
    },
    startAnew: async () => everSealed.set(false),
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
