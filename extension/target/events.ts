import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { type Status, statusChangeSchema, statusSchema, withChange } from '../../emulator/wire/status.ts';

/**
 * Why a stream ended: the connection broke or failed (`broken`), or the server isn't a compatible emulator (`refused`).
 */
export type StreamEnd = { readonly kind: 'broken' } | { readonly kind: 'refused'; readonly why: string };

/** The emulator sends a comment every 15 s. */
const silenceMs = 45_000;
const maxEventBytes = 64 * 1024 * 1024;

/**
 * Follows `/minifal/events` of the emulator on this api port: the current state first, then the state after each
 * change. Clear text, because it never leaves this machine. `onEnd` is called once, unless `close` came first.
 */
export function followStatus(options: {
  readonly port: number;
  readonly key: string;
  readonly onStatus: (status: Status) => void;
  readonly onEnd: (end: StreamEnd) => void;
}): { close(): void } {
  let over = false;
  let status: Status | undefined;
  const end = (reason: StreamEnd): void => {
    if (over) return;
    over = true;
    request.destroy();
    options.onEnd(reason);
  };
  const request: ClientRequest = get(
    {
      host: 'localhost',
      port: options.port,
      path: '/minifal/events',
      agent: false,
      headers: { authorization: `Key ${options.key}`, accept: 'text/event-stream' },
      timeout: silenceMs,
    },
    (response) => {
      if (response.statusCode === 200) read(response);
      else end({ kind: 'refused', why: whyRefused(response.statusCode, options.port) });
    },
  );
  request.on('error', () => end({ kind: 'broken' }));
  request.on('timeout', () => end({ kind: 'broken' }));

  function read(response: IncomingMessage): void {
    let buffered = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      buffered += text;
      const events = buffered.split('\n\n');
      buffered = events.pop() ?? '';
      if (buffered.length > maxEventBytes) end({ kind: 'broken' });
      if (!over) take(events);
    });
    response.on('close', () => end({ kind: 'broken' }));
    response.on('error', () => end({ kind: 'broken' }));
  }

  /** Events that arrive together are applied together. */
  function take(events: readonly string[]): void {
    const before = status;
    try {
      for (const event of events) status = after(status, event);
    } catch {
      end({ kind: 'refused', why: otherVersion(options.port) });
      return;
    }
    if (status && status !== before) options.onStatus(status);
  }

  return {
    close() {
      over = true;
      request.destroy();
    },
  };
}

const changeHead = 'event: change\ndata: ';

/** The state after one event. @throws if it isn't a valid event */
function after(status: Status | undefined, event: string): Status | undefined {
  if (event.startsWith('data: ')) return statusSchema.parse(JSON.parse(event.slice('data: '.length)));
  if (!status || !event.startsWith(changeHead)) return status;
  return withChange(status, statusChangeSchema.parse(JSON.parse(event.slice(changeHead.length))), Date.now());
}

function whyRefused(status: number | undefined, port: number): string {
  return status === 401
    ? `The emulator on port ${port} does not accept the key of its data folder.`
    : otherVersion(port);
}

function otherVersion(port: number): string {
  return `The emulator on port ${port} runs another version of minifal.`;
}
