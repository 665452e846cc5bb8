import type { KeychainOrder } from '../local/secret-file.ts';
import type { IsolationMode, Shares } from '../wire/isolation.ts';

export interface EmulatorOptions {
  /** Everything is kept here; locked by the caller. */
  readonly folder: string;
  /** First of four ports; 0: the system chooses each. */
  readonly port: number;
  readonly version: string;
  /** Web origins whose pages may call, as browsers spell them (`http://localhost:3000`). */
  readonly allowedOrigins: readonly string[];
  /** How many times as fast the platform's own delays pass (scheduler/time-scale.ts); 1: real time. */
  readonly timeScale: number;
  /** How many runners may run at once; further ones wait for room. */
  readonly maxRunners: number;
  /** How many GPU slots there are for runners of GPU machine types; absent: no limit. */
  readonly gpuSlots?: number | undefined;
  /** How much of a world of its own each runner gets. */
  readonly isolation: IsolationMode;
  /** What of the machine runners with a disk of their own are shown on purpose. */
  readonly shares?: Shares;
  /** Servers of runners without addresses of their own may listen where other machines reach them. */
  readonly allowOutside?: boolean;
  /** What the keychain of who starts us wants with the key of the secrets. */
  readonly keychain?: KeychainOrder;
  /** How long finished requests and their results are kept. */
  readonly retentionDays: number;
  /** Gets what a person should know while the emulator runs, in sentences. */
  readonly tell: (sentence: string) => void;
  /**
   * The data folder is gone, and with it everything that is promised from now on: called once; `close` is all that is
   * left.
   */
  readonly onGone: (sentence: string) => void;
}
