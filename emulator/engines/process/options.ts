import type { Report } from '../../local/loop/contain.ts';
import type { IsolationMode, Shares } from '../../wire/isolation.ts';
import type { LayerLimits } from './disk/layer-sizes.ts';

export interface ProcessEngineDeps {
  /** Runners' folders are created below it. */
  readonly dataDir: string;
  /** The folder `runner/`. */
  readonly runnerSources: string;
  /** Our own addresses from which the SDK's toolkit may download although they are loopback. */
  readonly emulatorAddresses?: readonly string[];
  /** The environment from which runners get the few variables that describe the machine. */
  readonly hostEnv?: NodeJS.ProcessEnv;
  readonly clock?: () => number;
  /** Default: `off`. */
  readonly isolation?: IsolationMode;
  /** Size limits of a runner's own disk; for tests. */
  readonly layerLimits?: LayerLimits;
  /** Size limit at a start of all unused compile caches together; for tests. */
  readonly maxCompiledBytes?: number;
  /** Our files and folders that runners with a disk of their own may read. */
  readonly shown?: readonly string[];
  /** Other parts of the machine that they may see. */
  readonly shares?: Shares | undefined;
  /**
   * Servers of runners without addresses of their own may listen where other machines can reach them; otherwise that
   * ends the runner.
   */
  readonly allowOutside?: boolean;
  /** The folder of debugpy for a Python; installed at its first use. Rejects with a UserError. */
  readonly debugpy?: (python: string) => Promise<string>;
  /** Is called once per limitation, with a sentence that says what this machine doesn't let runners have. */
  readonly onLimit?: (sentence: string) => void;
  /** Is called with bugs, in our code or in callbacks. Each bug ends only the runner that it affects. */
  readonly report?: Report;
}
