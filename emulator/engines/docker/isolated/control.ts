import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { tryJson } from '../../../local/try-json.ts';
import type { Callable } from '../../engine.ts';
import { message, type RunnerCommand } from '../../supervised/messages.ts';

/** Longest message: more than a runner may report at once, and than a piece of a result has. */
const maxLine = 1024 * 1024;

/** The commands to the supervisor in a container (runner/supervisor/contained.py), each a line of JSON. */
export type ContainedCommand =
  | {
      readonly op: 'start';
      readonly id: string;
      readonly mode: 'serve' | 'call';
      /** Files are named by their paths in the container. */
      readonly callable: Callable;
      readonly setup?: Callable;
      readonly declaredPort: number;
      readonly declaredMetricsPort: number;
      /** What its server requires of every request. */
      readonly secret: string;
      readonly firstPaths: readonly string[];
      readonly extraPaths: readonly string[];
      readonly development: boolean;
      readonly debugger: boolean;
    }
  | RunnerCommand;

/** A part of the file that `result` is about, in base64. */
const piece = z.object({ event: z.literal('piece'), id: z.string(), data: z.base64() });
const contained = z.union([message, piece]);

export type ContainedMessage = z.infer<typeof contained>;

export function sendTo(socket: Socket, command: ContainedCommand): void {
  if (socket.writable) socket.write(`${JSON.stringify(command)}\n`);
}

/**
 * What the supervisor reports, until its connection ends. The app's code may have taken over the connection: a line
 * that is too long ends it, and what isn't a message about this runner is left out.
 */
export async function* messagesOf(socket: Socket, runnerId: string): AsyncGenerator<ContainedMessage> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const read = contained.safeParse(tryJson(line));
      if (read.success && read.data.id === runnerId) yield read.data;
    }
    if (rest.length > maxLine) return;
  }
}
