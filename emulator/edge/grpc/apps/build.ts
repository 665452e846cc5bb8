import { resolveFiles } from '../../../fleet/runners/launches.ts';
import type { GrpcRooms } from '../deps.ts';
import { buildOrFail, definitionOf, requireEnvironment } from '../environment.ts';
import type { Replies } from '../handlers.ts';
import { createLogPump } from '../log-pump.ts';
import { builderLog } from '../messages.ts';
import { filesOf } from './prepare.ts';
import type { BuildEnvironmentRequest } from './schemas.ts';

/**
 * BuildEnvironment: the logs as printed by the build tool, then SUCCESS with the environment's content hash
 * (docs/platform/control-plane.md#buildenvironment).
 */
export function buildEnvironment(rooms: GrpcRooms) {
  return async (request: BuildEnvironmentRequest, replies: Replies, signal: AbortSignal): Promise<void> => {
    requireEnvironment(rooms, request.environment_name);
    const pump = createLogPump(replies, rooms.clock);
    try {
      const built = await buildOrFail(
        rooms,
        request.application_name ?? '',
        definitionOf(request, resolveFiles(filesOf(request), rooms.appFiles)),
        (line) => pump.push(builderLog(line)),
        signal,
      );
      pump.flush();
      replies.send({ env_id: built.id, status: { state: 'SUCCESS' } });
    } catch (error) {
      pump.flush();
      throw error;
    }
  };
}
