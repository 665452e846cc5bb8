import type { Socket } from 'node:net';
import type { Builds } from '../../builds/types.ts';
import type { Blobs, Catalog } from '../../catalog/types.ts';
import type { Copies } from '../../exchange/copies.ts';
import type { DirectCalls } from '../../fleet/requests/direct-calls.ts';
import type { AppFileSource } from '../../fleet/runners/launches.ts';
import type { Fleet } from '../../fleet/types.ts';
import type { Report } from '../../local/loop/contain.ts';
import type { Logs, RunnerRecord, RunnerTransition } from '../../telemetry/types.ts';
import type { Hosts } from '../../wire/hosts.ts';
import type { Authenticate } from '../auth/types.ts';
import type { LocalRoutes } from '../routes.ts';
import type { LiveRuns } from '../runs/live-runs.ts';

/** The rooms that the control plane calls. */
export interface GrpcRooms {
  readonly catalog: Catalog;
  readonly blobs: Blobs;
  /** App files that were synced over REST earlier (docs/platform/rest.md#app-files). */
  readonly appFiles: AppFileSource;
  readonly builds: Builds;
  readonly fleet: Fleet;
  readonly calls: Pick<DirectCalls, 'call'>;
  readonly copies: Copies;
  readonly logs: Logs;
  readonly routes: Pick<LocalRoutes, 'addEphemeral' | 'removeEphemeral'>;
  readonly runs: Pick<LiveRuns, 'add' | 'changed'>;
  readonly runnerHistory: {
    /** A run of this alias begins, of an app with this name. */
    named(alias: string, appName: string): void;
    get(runnerId: string): RunnerRecord | undefined;
    /** Runners that were alive at or after the instant, including ended ones. */
    since(atMs: number): readonly RunnerRecord[];
    /** Oldest first. */
    transitions(runnerId: string): readonly RunnerTransition[];
  };
  readonly hosts: Hosts;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface GrpcDeps extends GrpcRooms {
  readonly authenticate: Authenticate;
  /** The exact values of `:authority` that are ours: `loopbackHosts(port)` of edge/guard.ts. */
  readonly authorities: readonly string[];
  /** Called once for a connection on which a call with a valid key has arrived. */
  readonly noteUse?: (socket: Socket) => void;
  /** Receives errors in minifal, for the emulator's own log. */
  readonly report: Report;
}
