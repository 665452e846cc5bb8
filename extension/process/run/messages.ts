import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { processIdentity } from '../../target/data-folder.ts';

/** The last part of the output, in characters: what a window that joins shows, and what explains a failure. */
export const keptCharacters = 200_000;

/** Of the folder of a helper's socket. */
export const socketFolderPrefix = 'minifal-run-';

/** The path of a socket is limited to 103 bytes on macOS, and to 107 on Linux. */
const maxSocketPath = 103;

/** Where helpers make the folders of their sockets: the temporary folder, unless its path is too long for that. */
export function socketsFolder(): string {
  const folder = tmpdir();
  const longest = join(folder, `${socketFolderPrefix}XXXXXX`, 'socket');
  return Buffer.byteLength(longest) <= maxSocketPath ? folder : '/tmp';
}

/** What a window hands to a new helper, through a pipe, because `env` contains a key. */
export const helperOrder = z.object({
  command: z.string(),
  args: z.array(z.string()),
  cwd: z.string(),
  env: z.record(z.string(), z.string()),
  /** Whether it reads orders, a line of JSON each, from its standard input; absent: it has none. */
  takesOrders: z.boolean().optional(),
  /** The folder in which windows look for runs; private to the user. */
  folder: z.string(),
  about: z.unknown(),
  /** How long a run lives without a window. */
  graceMs: z.int().nonnegative(),
});
export type HelperOrder = z.input<typeof helperOrder>;

/** The file `<folder>/<pid>.json` of a helper. */
export const helperRecord = z.object({
  ...processIdentity.shape,
  socket: z.string(),
  /** The window's own description of the run, as in the order. */
  about: z.unknown(),
});

/** The file of a run that its helper stopped because no window came back. */
export const endFile = (folder: string, pid: number): string => join(folder, `${pid}.ended`);
export const endRecord = z.object({ at: z.number(), about: z.unknown() });

export const toWindow = z.discriminatedUnion('type', [
  /** The window shows the run from now on: it gets the last output so far, and what follows. */
  z.object({ type: z.literal('yours'), replay: z.string(), note: z.string().optional() }),
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('end'), code: z.int(), stopped: z.boolean() }),
]);
export type ToWindow = z.input<typeof toWindow>;

export const toHelper = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stop') }),
  /** The terminal was closed: by the user, or because the window is closing or reloading. */
  z.object({ type: z.literal('closed') }),
  /** A line for its standard input. */
  z.object({ type: z.literal('order'), order: z.string().max(16_384) }),
  /** Kept for the next window. */
  z.object({ type: z.literal('note'), note: z.string().max(4_096) }),
]);
export type ToHelper = z.input<typeof toHelper>;

/** JSON encodes a character of output in at most six. */
const longestLine = 4_000_000;

/** Calls `onMessage` for each line of the socket that fits the schema; the rest is ignored. */
export function readMessages<T>(socket: Socket, schema: z.ZodType<T>, onMessage: (message: T) => void): void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) socket.destroy();
    for (const line of lines) {
      const message = parse(line, schema);
      if (message !== undefined) onMessage(message);
    }
  });
}

function parse<T>(line: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
