import type { CallResult, RunnerExit } from '../../engines/engine.ts';
import { contain, type Report } from '../../local/loop/contain.ts';
import type { RevisionSettings, RunnerId, ScaleSettings } from '../../scheduler/types.ts';
import type { CallInfo } from '../../telemetry/requests/types.ts';
import type { PlatformError } from '../../wire/errors.ts';
import type { Deployment, FunctionRun, Launch, Lease } from '../types.ts';
import { directInfo } from './leases.ts';

/** One runner at most, which starts for a single call: that of a function ends with it. */
export const oneRunner: ScaleSettings = {
  keepAliveSeconds: 0,
  minConcurrency: 0,
  maxConcurrency: 1,
  concurrencyBuffer: 0,
  concurrencyBufferPerc: 0,
  scalingDelaySeconds: 0,
  requestTimeoutSeconds: 24 * 3600,
  requestStartTimeoutSeconds: null,
};

interface Waiting {
  onResult(runnerId: RunnerId, result: CallResult): void;
  onExit(exit: RunnerExit): void;
}

/**
 * A plain function run is an ephemeral app with a single request, the call. It is handled like every request (runner
 * states, timeouts, the tree of runners); only the exchange with the runner differs.
 */
export function createFunctionRuns(report: Report) {
  const waiting = new Map<string, Waiting>();

  return {
    /** Returns false if nothing waits for the result. */
    onResult(alias: string, runnerId: RunnerId, result: CallResult): boolean {
      const run = waiting.get(alias);
      run?.onResult(runnerId, result);
      return run !== undefined;
    },
    onExit: (alias: string, exit: RunnerExit) => waiting.get(alias)?.onExit(exit),

    runner(fleet: {
      readonly deploy: (deployment: Deployment, launch: Launch) => void;
      readonly lease: (info: CallInfo, gone: AbortSignal) => Promise<Lease | PlatformError>;
      readonly call: (runnerId: RunnerId) => void;
      readonly kill: (alias: string) => void;
      readonly remove: (alias: string) => void;
      readonly release: (runnerId: RunnerId) => void;
      readonly clock: () => number;
    }) {
      /** See `Fleet.runFunction`. */
      return (alias: string, launch: Launch, settings: RevisionSettings, signal: AbortSignal): Promise<FunctionRun> =>
        new Promise((resolve) => {
          const gone = new AbortController();
          let lease: Lease | undefined;

          function finish(run: FunctionRun): void {
            if (!waiting.delete(alias)) return;
            signal.removeEventListener('abort', cancel);
            resolve(run);
            lease?.end({ kind: 'response', status: 200 });
            gone.abort();
            fleet.remove(alias);
          }
          function cancel(): void {
            fleet.kill(alias);
            finish({ kind: 'cancelled' });
          }

          waiting.set(alias, {
            onResult: (runnerId, result) => finish({ kind: 'ended', result, dispose: () => fleet.release(runnerId) }),
            onExit({ reason, cause }) {
              // The function was not called yet, so the scheduler starts another runner.
              if (cause !== 'supervisor_lost' || lease) finish({ kind: 'died', reason });
            },
          });
          if (signal.aborted) {
            cancel();
            return;
          }
          signal.addEventListener('abort', cancel, { once: true });
          fleet.deploy({ alias, revision: alias, scale: oneRunner, settings, strategy: 'recreate' }, launch);
          const begin = (granted: Lease | PlatformError): void => {
            if ('kind' in granted) {
              finish({ kind: 'died', reason: granted.detail });
              return;
            }
            lease = granted;
            granted.aborted.addEventListener('abort', () => finish({ kind: 'died', reason: granted.reason().detail }));
            fleet.call(granted.runnerId);
          };
          const request = directInfo({
            id: alias,
            alias,
            channel: 'function',
            method: 'CALL',
            path: '/',
            submittedAt: fleet.clock(),
            startBy: null,
            hint: null,
          });
          const failed = (): void =>
            finish({
              kind: 'died',
              reason: 'Internal error in minifal while it called the function; see emulator.log.',
            });
          fleet.lease(request, gone.signal).then(contain(report, begin, failed), failed);
        });
    },
  };
}
