import type { Report } from '../../local/loop/contain.ts';
import type { IsolationMode, Shares } from '../../wire/isolation.ts';
import type { LayerLimits } from './disk/layer-sizes.ts';

export interface ProcessEngineOptions {
  /** Runners' folders are made below it. */
  readonly dataDir: string;
  /** The folder `runner/`. */
  readonly runnerSources: string;
  /** Those of our own addresses from which the SDK's toolkit may download although they are loopback. */
  readonly emulatorAddresses?: readonly string[];
  /** The environment of which runners get the few variables that describe the machine. */
  readonly hostEnv?: NodeJS.ProcessEnv;
  readonly clock?: { now(): number };
  /** `off` unless given. */
  readonly isolation?: IsolationMode;
  /** What a runner's own disk may hold; for tests. */
  readonly layerLimits?: LayerLimits;
  /** What compile caches that nobody uses may take at a start, together; for tests. */
  readonly mostCompiledBytes?: number;
  /** Files and folders of ours that runners with a disk of their own may read. */
  readonly shown?: readonly string[];
  /** What of the machine they may see besides. */
  readonly shares?: Shares | undefined;
  /**
   * Servers of runners without addresses of their own may listen where other machines reach them; else it is a
   * runner's end.
   */
  readonly allowOutside?: boolean;
  /** Hears once, in a sentence, what this machine doesn't let runners have. */
  readonly onLimit?: (sentence: string) => void;
  /** Hears of bugs, ours and those of who is called back. Each ends the one runner that it was about. */
  readonly report?: Report;
}
