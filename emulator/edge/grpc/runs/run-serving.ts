import type { Fleet } from '../../../fleet/types.ts';
import type { RunnerState } from '../../../scheduler/types.ts';
import type { LogLine } from '../../../telemetry/types.ts';
import { authModes } from '../apps/app-messages.ts';
import { revisionSettings } from '../apps/settings.ts';
import type { GrpcRooms } from '../deps.ts';
import { logMessage, pickledNone, serviceUrls } from '../messages.ts';
import { processDied } from '../rpc-error.ts';
import { createRunReloads } from './run-reloads.ts';
import { maxStartSeconds, runScale, runSettings } from './run-settings.ts';
import type { RunRequest } from './schemas.ts';
import type { RunSession } from './session.ts';

/**
 * Serves an ephemeral app: its name is callable while this stream is open, one runner is kept running (and replaced
 * when the app ends it with a 503), and its log lines are shown as they arrive. Ends when the client disconnects, when
 * the app ends normally (`--limit-max-requests`), or when a start fails.
 */
export async function runServing(rooms: GrpcRooms, session: RunSession): Promise<void> {
  const { alias, launch, request, replies, pump, signal } = session;
  const scale = runScale(request, 'pinned');
  const unfollow = rooms.logs.follow({ alias }, (line) => {
    if (line.source !== 'BUILDER' && !isAboutReload(line)) pump.push(logMessage(line));
  });
  const settings = runSettings(request);
  const watch = watchForEnd(rooms.fleet, alias, (doneId) => {
    // The runner must not be replaced: a new one may already have been started for callers that found its port closed.
    rooms.fleet.applySettings(alias, { ...reloads.scaled(), minConcurrency: 0, maxConcurrency: 0 }, settings);
    for (const { id } of rooms.fleet.runners(alias)) if (id !== doneId) rooms.fleet.killRunner(id);
  });
  const reloads = createRunReloads(rooms, session, {
    begins: watch.reloads,
    accepted: (next) => rooms.routes.addEphemeral(routeOf(alias, next)),
    audited: (message) => pump.push(logMessage({ message, source: 'BRIDGE', level: 'INFO', at: rooms.clock() })),
  });
  const remove = rooms.runs.add(alias, reloads);
  let slow: NodeJS.Timeout | undefined;
  rooms.routes.addEphemeral(routeOf(alias, request));
  if (request.application_name) rooms.runnerHistory.named(alias, request.application_name);
  try {
    if (session.waitsForDebugger) rooms.fleet.waitForDebugger(alias, true);
    await rooms.fleet.deploy({ alias, revision: alias, scale, settings, strategy: 'recreate' }, launch);
    const urls = serviceUrls(rooms.hosts, rooms.catalog.account.nickname, alias);
    // SDKs up to 1.69 find the URL of a spawned app in exactly this sentence; all of them hide it.
    const message = `And API access through ${urls.run}`;
    const line = logMessage({ message, source: 'BRIDGE', level: 'INFO', at: rooms.clock() });
    replies.send({ run_id: alias, service_urls: urls, logs: [line] });
    slow = warnWhenSlow(rooms, session, () => watch.everReady());
    const end = await Promise.race([watch.ended, left(signal)]);
    pump.flush();
    if (end.kind === 'failed') throw processDied(`The app failed to start. ${end.reason}`);
    if (end.kind === 'finished') {
      replies.send({ run_id: alias, status: { state: 'SUCCESS' }, return_value: pickledNone });
    }
  } finally {
    clearTimeout(slow);
    watch.stop();
    remove();
    rooms.routes.removeEphemeral(alias);
    rooms.fleet.removeAlias(alias);
    unfollow();
  }
}

/**
 * In an ephemeral run, a setup that is longer than startup_timeout causes a warning and doesn't end the runner
 * (docs/platform/runners.md#start-up-and-health).
 */
function warnWhenSlow(rooms: GrpcRooms, { request, pump }: RunSession, isReady: () => boolean): NodeJS.Timeout {
  const { startupTimeoutSeconds } = revisionSettings(request);
  return setTimeout(
    () => {
      if (isReady()) return;
      const message =
        `The app is not ready after ${startupTimeoutSeconds} s, its startup_timeout. A deployed app ` +
        'would be stopped now.';
      pump.push(logMessage({ message, source: 'BRIDGE', level: 'WARNING', at: rooms.clock() }));
    },
    Math.min(startupTimeoutSeconds * 1000, maxStartSeconds * 1000),
  );
}

function routeOf(alias: string, request: RunRequest): Parameters<GrpcRooms['routes']['addEphemeral']>[0] {
  return {
    alias,
    revision: alias,
    authMode: authModes[request.auth_mode ?? 'PUBLIC'],
    requestStartTimeoutSeconds: runScale(request, 'pinned').requestStartTimeoutSeconds,
    privateLogs: false,
  };
}

/** `minifal run --watch`, which requested the reload, says it itself. */
function isAboutReload({ source, runnerId }: Pick<LogLine, 'source' | 'runnerId'>): boolean {
  return source === 'BRIDGE' && runnerId === null;
}

type End =
  | { readonly kind: 'left' }
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly reason: string };

function left(signal: AbortSignal): Promise<End> {
  return new Promise((resolve) => {
    const leave = () => resolve({ kind: 'left' });
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}

/**
 * If a runner ends before it was ever ready, its start failed. If it exits with code 0, or because it has served its
 * maximum number of requests, the app is done. In all other cases (503, crash, stop), a new runner follows. Once the
 * app was reloaded, no start ends the run: the developer corrects the code and saves it again.
 */
function watchForEnd(
  fleet: Fleet,
  alias: string,
  onDone: (runnerId: string) => void,
): { readonly ended: Promise<End>; everReady(): boolean; reloads(): void; stop(): void } {
  const last = new Map<string, RunnerState['kind']>();
  const wasReady = new Set<string>();
  let isReloaded = false;
  let stop = () => {};
  const ended = new Promise<End>((resolve) => {
    stop = fleet.watchRunners(alias, ({ runnerId, state, reason, exitCode, lost, done }) => {
      const before = last.get(runnerId);
      last.set(runnerId, state);
      if (state === 'idle' || state === 'running') wasReady.add(runnerId);
      if (done && state !== 'terminated') onDone(runnerId);
      if (state !== 'terminated' || lost) return;
      if (!wasReady.has(runnerId)) {
        if (!isReloaded && before !== 'failureDelay' && before !== 'terminating') resolve({ kind: 'failed', reason });
        return;
      }
      // A caller that found its port closed may have ended the runner before it could exit.
      if (done || (exitCode === 0 && (before === 'idle' || before === 'running'))) resolve({ kind: 'finished' });
    });
  });
  return {
    ended,
    everReady: () => wasReady.size > 0,
    reloads() {
      isReloaded = true;
    },
    stop: () => stop(),
  };
}
