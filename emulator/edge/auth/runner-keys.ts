import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RunnerState } from '../../scheduler/types.ts';

/** The keys that runners have in `FAL_KEY`: one per runner, which is good as long as its runner lives. */
export interface RunnerKeys {
  /** `id:secret` */
  keyOf(runnerId: string): string;
  /** Whose key this is; `undefined`: nobody's who lives. */
  verify(keyId: string, secret: string): string | undefined;
  /** Whether the runner's key is still good, and what was given out for it. */
  lives(runnerId: string): boolean;
  /** A part of every key. Who hides it in a text has made all keys in it useless, however many runners there are. */
  readonly common: string;
}

const prefix = 'runner-';
const withoutProcess: ReadonlySet<RunnerState['kind'] | undefined> = new Set([undefined, 'terminated', 'failureDelay']);

/**
 * Derived from the runner's id by a secret of this process: nothing is stored, nothing has to be revoked, and no key
 * outlives its runner or this emulator. differs: in the cloud a runner has an ordinary key of the app's owner.
 *
 * @param stateOf `undefined`: no such runner
 */
export function createRunnerKeys(stateOf: (runnerId: string) => RunnerState['kind'] | undefined): RunnerKeys {
  const own = randomBytes(32);
  const common = randomBytes(16).toString('hex');
  const secretOf = (runnerId: string): string =>
    `${common}${createHmac('sha256', own).update(runnerId).digest('hex').slice(0, 32)}`;
  const lives = (runnerId: string): boolean => !withoutProcess.has(stateOf(runnerId));
  return {
    keyOf: (runnerId) => `${prefix}${runnerId}:${secretOf(runnerId)}`,
    verify(keyId, secret) {
      if (!keyId.startsWith(prefix)) return undefined;
      const runnerId = keyId.slice(prefix.length);
      const [given, expected] = [Buffer.from(secret), Buffer.from(secretOf(runnerId))];
      const isRight = given.length === expected.length && timingSafeEqual(given, expected);
      return isRight && lives(runnerId) ? runnerId : undefined;
    },
    lives,
    common,
  };
}
