import type { Account } from '../../catalog/types.ts';
import type { Spool } from '../../exchange/bodies/spool.ts';
import type { DirectCalls } from '../../fleet/requests/direct-calls.ts';
import type { Fleet } from '../../fleet/types.ts';
import type { Report } from '../../local/loop/contain.ts';
import type { Queue } from '../../queue/types.ts';
import type { Logs } from '../../telemetry/types.ts';
import type { Webhooks } from '../../webhooks/webhooks.ts';
import type { Hosts } from '../../wire/hosts.ts';
import type { Dispatcher } from '../../workflows/dispatcher.ts';
import type { Authenticate, VerifyToken } from '../auth/types.ts';
import type { Routes } from '../routes.ts';

/** Everything the gateway may access. Its handlers receive all of it: it defines what "the gateway" is. */
export interface GatewayDeps {
  readonly account: Account;
  readonly routes: Routes;
  readonly authenticate: Authenticate;
  /** Accepts requests, whatever performs them. */
  readonly requests: Pick<Dispatcher, 'enqueue' | 'cancel' | 'runWorkflow'>;
  readonly fleet: Pick<Fleet, 'queuePosition' | 'queueSize' | 'flushLines' | 'follow'>;
  readonly queue: Pick<Queue, 'submit' | 'settled' | 'record' | 'result' | 'onChange'>;
  /** Requests that wait for their answer. */
  readonly calls: DirectCalls;
  /** The emulator stops: running requests may finish, new ones are refused. */
  readonly isStopping: () => boolean;
  /** For bodies whose runner isn't available yet. */
  readonly spool: Spool;
  readonly logs: Pick<Logs, 'query' | 'follow'>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** `localhost:PORT` of each host; requested for each request, because ports are known only after listening. */
  readonly hosts: () => Hosts;
  /** Web origins that may call; none by default. */
  readonly allowedOrigins: () => readonly string[];
  readonly limits: GatewayLimits;
  /** Called for each queued request before it is accepted. */
  readonly webhooks?: Pick<Webhooks, 'expect' | 'withdraw'>;
  /** Checks the `fal_jwt_token` of web pages; absent: such tokens grant no access. */
  readonly verifyToken?: VerifyToken;
  /** Authority of follow-up URLs; absent: the host that the client used. */
  readonly followUpAuthority?: string;
  /** Receives unexpected errors, for the emulator's own log. */
  readonly report: Report;
}

export interface GatewayLimits {
  /** The limit for a request body, direct or queued; above it: 413. */
  readonly maxRequestBytes: number;
  /** Bytes from a websocket caller that are kept while its runner starts. */
  readonly maxHeldSocketBytes: number;
  /** Between two comment lines of a silent status stream. */
  readonly pingIntervalMs: number;
  /** Between two reports of a status stream that the position in the queue has changed. */
  readonly positionIntervalMs: number;
  /** A WebRTC session without a heartbeat for this long has ended. */
  readonly wmaSilenceMs: number;
}

/** Undocumented in the cloud: our choice (docs/platform/gateway.md#limits). */
export const defaultLimits: GatewayLimits = {
  maxRequestBytes: 100 * 1024 * 1024,
  maxHeldSocketBytes: 16 * 1024 * 1024,
  pingIntervalMs: 15_000,
  positionIntervalMs: 1_000,
  // Three heartbeats of @fal-ai/client.
  wmaSilenceMs: 15_000,
};
