import { createServer, type Server, type Socket } from 'node:net';
import type { FalProcess } from './fal-process.ts';
import { keptCharacters, readMessages, type ToWindow, toHelper } from './messages.ts';

/** Bytes that a window hasn't read yet; more output is left out. */
const unreadBytes = 4_000_000;
const endCharacters = 20_000;
const omitted = '\n… (output omitted: the editor was busy)\n';

/** A window that reloads closes its terminals first; its connection ends within this time. */
const closingMs = 1_000;

/**
 * Serves a run to windows over a socket: to one at a time, and to the next when that one has gone. Without any window
 * for `graceMs`, stops the run.
 * @param start begins the run
 * @param onAlone called when no window came back
 * @returns the server, the time at which nothing is left to serve, and what stops the run for all windows
 */
export function serveRun(options: {
  readonly start: (onText: (text: string) => void) => FalProcess;
  readonly graceMs: number;
  readonly onAlone: () => void;
}): { readonly server: Server; readonly over: Promise<void>; abandon(): void } {
  const windows = new Set<Socket>();
  let holder: Socket | undefined;
  let output = '';
  let note: string | undefined;
  let end: ToWindow | undefined;
  let wasShown = false;
  let leaving: NodeJS.Timeout | undefined;
  let closing: NodeJS.Timeout | undefined;
  let isOmitting = false;
  let done: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    done = resolve;
  });

  const send = (socket: Socket, message: ToWindow) => socket.write(`${JSON.stringify(message)}\n`);

  const run = options.start((text) => {
    output = (output + text).slice(-keptCharacters);
    if (!holder) return;
    if (holder.writableLength < unreadBytes) {
      send(holder, { type: 'text', text: isOmitting ? `${omitted}${text}` : text });
      isOmitting = false;
    } else isOmitting = true;
  });
  void run.ended.then(({ code, stopped }) => {
    end = { type: 'end', code, stopped };
    if (holder) finish(holder, end);
    settle();
  });

  function finish(socket: Socket, message: ToWindow): void {
    wasShown = true;
    // The end explains a failure.
    if (isOmitting) send(socket, { type: 'text', text: `${omitted}${output.slice(-endCharacters)}` });
    isOmitting = false;
    send(socket, message);
    socket.end();
  }

  /** Gives the run to a window, or waits for one. */
  function settle(): void {
    clearTimeout(leaving);
    if (end && wasShown) {
      if (windows.size === 0) done();
      for (const window of windows) window.end();
      return;
    }
    const [next] = windows;
    if (next && !holder) {
      holder = next;
      isOmitting = false;
      send(next, { type: 'yours', replay: output, ...(note === undefined ? {} : { note }) });
      if (end) finish(next, end);
    }
    if (windows.size === 0) leaving = setTimeout(alone, options.graceMs);
  }

  function alone(): void {
    if (end) {
      done();
      return;
    }
    options.onAlone();
    abandon();
  }

  /** No window came back, or the machine shuts down: no other window needs to show how it ends. */
  function abandon(): void {
    wasShown = true;
    run.stop();
  }

  function closed(socket: Socket): void {
    windows.delete(socket);
    if (holder === socket) {
      holder = undefined;
      clearTimeout(closing);
    }
    settle();
  }

  const server = createServer((socket) => {
    windows.add(socket);
    socket.on('error', () => {}); // followed by `close`
    socket.on('close', () => closed(socket));
    readMessages(socket, toHelper, (message) => {
      if (socket !== holder) return;
      if (message.type === 'note') note = message.note;
      else if (message.type === 'stop') run.stop();
      else if (message.type === 'order') run.order(message.order);
      else {
        clearTimeout(closing);
        closing = setTimeout(run.stop, closingMs);
      }
    });
    settle();
  });
  settle();
  return { server, over, abandon };
}
