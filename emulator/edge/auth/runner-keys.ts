import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RunnerState } from '../../scheduler/types.ts';

/** The keys that runners have in `FAL_KEY`, one each. */
export interface RunnerKeys {
  /** `id:secret` */
  keyOf(runnerId: string): string;
  /** The runner that this key belongs to, whether or not it still lives; `undefined`: no runner's key. */
  runnerOf(keyId: string, secret: string): string | undefined;
  /**
   * A part that all keys contain. Hiding it in a text makes every key in the text useless, however many runners there
   * are.
   */
  readonly common: string;
}

/** A runner's key is valid as long as its runner lives. */
export interface RunnerKeyCheck {
  /** The live runner that this key belongs to; `undefined`: none. */
  verify(keyId: string, secret: string): string | undefined;
  /** Whether the runner's key, and the tokens that were issued for it, are still valid. */
  lives(runnerId: string): boolean;
}

const prefix = 'runner-';
const withoutProcess: ReadonlySet<RunnerState['kind'] | undefined> = new Set([undefined, 'terminated', 'failureDelay']);

/**
 * Derived from the runner's id with a secret of this process: nothing is stored, nothing has to be revoked, and no key
 * outlives this emulator. differs: in the cloud, a runner has an ordinary key of the app's owner.
 */
export function createRunnerKeys(): RunnerKeys {
  const own = randomBytes(32);
  const common = randomBytes(16).toString('hex');
  const secretOf = (runnerId: string): string =>
    `${common}${createHmac('sha256', own).update(runnerId).digest('hex').slice(0, 32)}`;
  return {
    keyOf: (runnerId) => `${prefix}${runnerId}:${secretOf(runnerId)}`,
    runnerOf(keyId, secret) {
      if (!keyId.startsWith(prefix)) return undefined;
      const runnerId = keyId.slice(prefix.length);
      const [given, expected] = [Buffer.from(secret), Buffer.from(secretOf(runnerId))];
      return given.length === expected.length && timingSafeEqual(given, expected) ? runnerId : undefined;
    },
    common,
  };
}

/** @param stateOf `undefined`: no such runner */
export function createRunnerKeyCheck(
  keys: Pick<RunnerKeys, 'runnerOf'>,
  stateOf: (runnerId: string) => RunnerState['kind'] | undefined,
): RunnerKeyCheck {
  const lives = (runnerId: string): boolean => !withoutProcess.has(stateOf(runnerId));
  return {
    verify(keyId, secret) {
      const runnerId = keys.runnerOf(keyId, secret);
      return runnerId !== undefined && lives(runnerId) ? runnerId : undefined;
    },
    lives,
  };
}
