import { randomUUID } from 'node:crypto';
import type { Launch } from '../../../fleet/types.ts';
import { requireGpu } from '../apps/prepare.ts';
import { revisionSettings } from '../apps/settings.ts';
import type { GrpcRooms } from '../deps.ts';
import { requireEnvironment } from '../environment.ts';
import type { Header, Replies } from '../handlers.ts';
import { createLogPump } from '../log-pump.ts';
import { runFunction } from './run-function.ts';
import { launchOf } from './run-launch.ts';
import { runServing } from './run-serving.ts';
import type { RunRequest } from './schemas.ts';

/** Sent by `minifal run --debug` (reload/loader/sdk.py). */
const debugHeader = 'x-minifal-debug';

/**
 * Run (docs/platform/control-plane.md#run): builds inline unless requested otherwise, then serves an ephemeral app
 * until the client disconnects, or calls a plain function once. The alias is a new UUID; only its logs outlive the
 * stream.
 */
export function run(rooms: GrpcRooms) {
  return async (request: RunRequest, replies: Replies, signal: AbortSignal, header?: Header): Promise<void> => {
    requireEnvironment(rooms, request.environment_name);
    requireGpu(rooms, revisionSettings(request));
    const alias = randomUUID();
    const pump = createLogPump(replies, rooms.clock);
    let launch: Launch | undefined;
    try {
      launch = await launchOf(rooms, request, { alias, revision: alias }, pump, signal);
      if (signal.aborted) return;
      const waitsForDebugger = header?.(debugHeader) === 'wait';
      const session = { alias, launch, request, replies, pump, signal, waitsForDebugger };
      await (launch.mode === 'serve' ? runServing(rooms, session) : runFunction(rooms, session));
    } catch (error) {
      // The output explains the error, so it is sent first.
      pump.flush();
      throw error;
    } finally {
      launch?.release?.();
    }
  };
}
