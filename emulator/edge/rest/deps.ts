import type { AppFiles } from '../../catalog/files/app-files.ts';
import type { Catalog } from '../../catalog/types.ts';
import type { WantedPlaces } from '../../engines/wanted-places.ts';
import type { LateUnits } from '../../exchange/late-units.ts';
import type { Fleet } from '../../fleet/types.ts';
import type { DiskTrouble } from '../../local/disk-trouble.ts';
import type { GpuMonitor } from '../../local/gpus/gpu-monitor.ts';
import type { Report } from '../../local/loop/contain.ts';
import type { Queue } from '../../queue/types.ts';
import type { Storage } from '../../storage/storage.ts';
import type { RequestHistory, RequestTrace } from '../../telemetry/requests/types.ts';
import type { RunnerHistory } from '../../telemetry/runners.ts';
import type { Samples } from '../../telemetry/samples/samples.ts';
import type { Logs } from '../../telemetry/types.ts';
import type { DiskUse } from '../../wire/disk.ts';
import type { Hosts } from '../../wire/hosts.ts';
import type { DebugTools } from '../../wire/runner-debug.ts';
import type { Status } from '../../wire/status.ts';
import type { Workflows } from '../../workflows/types.ts';
import type { Signer } from '../auth/signed.ts';
import type { Tokens } from '../auth/tokens.ts';
import type { Authenticate } from '../auth/types.ts';
import type { GuardRules } from '../guard.ts';
import type { LiveRuns } from '../runs/live-runs.ts';

/** The rooms that the REST edge calls. */
export interface RestDeps {
  readonly catalog: Catalog;
  readonly fleet: Fleet;
  readonly runs: LiveRuns;
  readonly queue: Pick<Queue, 'record' | 'number' | 'submitted' | 'result'>;
  readonly logs: Logs;
  readonly runnerHistory: Pick<
    RunnerHistory,
    'get' | 'since' | 'transitions' | 'steps' | 'readyBefore' | 'endedCount' | 'endedOf' | 'appNameOf'
  >;
  readonly requestHistory: Omit<RequestHistory, keyof RequestTrace>;
  /** What runners used. */
  readonly samples: Pick<Samples, 'read'>;
  readonly appFiles: AppFiles;
  readonly workflows: Workflows;
  /** Public halves of the keys that sign webhooks. */
  readonly jwks: object;
  readonly storage: Storage;
  readonly places: WantedPlaces;
  readonly lateUnits: Pick<LateUnits, 'settle'>;
  readonly tokens: Pick<Tokens, 'issue'>;
  /** Signs the tokens of `/storage/auth/token`. */
  readonly uploadTokens: Signer;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly hosts: Hosts;
  readonly authenticate: Authenticate;
  readonly guardRules: GuardRules;
  /** What `minifal status` reports about this process; `startedAt` in milliseconds since the epoch. */
  readonly about: {
    readonly gpuUse: Pick<GpuMonitor, 'sample' | 'memoryOf'>;
    readonly version: string;
    readonly startedAt: number;
    readonly timeScale: number;
    readonly secrets: Status['secrets'];
    readonly isolation: () => Status['isolation'];
  };
  /** How to start a debug adapter; installs what that needs. */
  readonly debugTools: () => Promise<DebugTools>;
  /** Why the disk accepts no writes; `null`: no trouble. */
  readonly trouble: () => DiskTrouble | null;
  /** Calls the listener when that has changed; returns a function that unsubscribes. */
  readonly followTrouble: (listener: () => void) => () => void;
  /** Measures what the data folder takes on the disk. */
  readonly diskUse: () => Promise<DiskUse>;
  /** Receives errors in minifal, for the emulator's own log. */
  readonly report: Report;
}
