import type { Gpu } from '../local/gpus/gpu.ts';
import type { KeychainOrder } from '../local/secret-file.ts';
import type { GpuMappingMode } from '../wire/gpu-mapping.ts';
import type { IsolationMode, Shares } from '../wire/isolation.ts';
import type { MachineLimitMode } from '../wire/machine-limits.ts';

export interface EmulatorOptions {
  /** Holds all data; the caller has locked it. */
  readonly folder: string;
  /** First of four ports; 0: the system chooses each port. */
  readonly port: number;
  readonly version: string;
  /** Web origins whose pages may call the emulator, as browsers spell them (`http://localhost:3000`). */
  readonly allowedOrigins: readonly string[];
  /** The factor by which the platform's own delays pass faster (scheduler/time-scale.ts); 1: real time. */
  readonly timeScale: number;
  /** The maximum number of runners at once; further runners wait for room. */
  readonly maxRunners: number;
  /** The number of GPU slots for runners of GPU machine types; absent: one for each GPU. */
  readonly gpuSlots?: number | undefined;
  /** Any number of runners share the GPUs. */
  readonly gpuSharing?: boolean;
  /** Which GPUs suit a GPU machine type; absent: any. */
  readonly gpuMapping?: GpuMappingMode | undefined;
  /** Virtual GPUs instead of those of this machine. */
  readonly gpus?: readonly Gpu[] | undefined;
  /** What happens to a runner that uses more memory than its machine type has. */
  readonly machineLimits: MachineLimitMode;
  /** How isolated each runner is. */
  readonly isolation: IsolationMode;
  /** What runners with a disk of their own are deliberately shown of the machine. */
  readonly shares?: Shares;
  /** Servers of runners without addresses of their own may listen where other machines can reach them. */
  readonly allowOutside?: boolean;
  /** What the owner of the keychain, who starts the emulator, wants done with the key of the secrets. */
  readonly keychain?: KeychainOrder;
  /** How long finished requests and their results are kept. */
  readonly retentionDays: number;
  /** Is called with sentences that the user should read while the emulator runs. */
  readonly print: (sentence: string) => void;
  /**
   * The data folder is gone, so nothing can be stored from now on. Called once; the only sensible next step is `close`.
   */
  readonly onGone: (sentence: string) => void;
}
