import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import type { CallResult } from '../../../engines/engine.ts';
import { revisionSettings } from '../apps/settings.ts';
import type { GrpcRooms } from '../deps.ts';
import { maxMessageBytes } from '../limits.ts';
import { logMessage, wellFormed } from '../messages.ts';
import { invalidArgument, processDied, RpcError } from '../rpc-error.ts';
import type { RunSession } from './session.ts';

/** Calls a plain function on its own runner and sends the outcome (docs/platform/runner-process.md#results). */
export async function runFunction(rooms: GrpcRooms, session: RunSession): Promise<void> {
  const { alias, launch, request, replies, pump, signal } = session;
  const unfollow = rooms.logs.follow({ alias }, (line) => {
    if (line.source !== 'BUILDER') pump.push(logMessage(line));
  });
  try {
    const ended = await rooms.fleet.runFunction(alias, launch, revisionSettings(request), signal);
    if (ended.kind === 'cancelled') throw new RpcError(status.CANCELLED, 'The run was cancelled.');
    try {
      // The client decodes a raised result before the logs of the same message, so they are sent as two messages
      // (docs/platform/control-plane.md#run).
      pump.flush();
      if (ended.kind === 'died') throw processDied(ended.reason);
      const message = await resultMessage(ended.result);
      replies.send({ run_id: alias, status: { state: 'SUCCESS' }, return_value: message });
    } finally {
      if (ended.kind === 'ended') ended.dispose();
    }
  } finally {
    unfollow();
  }
}

/** The SerializedObject of a result. User exceptions are results too: SUCCESS with the raised flag. */
async function resultMessage(result: CallResult): Promise<object> {
  if (result.kind === 'refused') throw invalidArgument(result.reason);
  const value = { method: result.method, definition: await bytesOf(result.file), was_it_raised: result.raised };
  if (!result.raised) return value;
  return {
    ...value,
    stringized_traceback: wellFormed(result.traceback),
    exception_type_name: wellFormed(result.exceptionType),
    exception_message: wellFormed(result.exceptionMessage),
  };
}

/**
 * The runner wrote this path: it must not be a link to a file of ours that the runner can't read itself, or a pipe that
 * never ends.
 */
async function bytesOf(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw invalidArgument('The function replaced its result file with something else.');
    if (found.size >= maxMessageBytes) {
      throw new RpcError(
        status.RESOURCE_EXHAUSTED,
        `The result has ${found.size} bytes; a function can return less than 2 GiB.`,
      );
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}
