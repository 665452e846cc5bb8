import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { type Status, statusSchema } from '../../emulator/wire/status.ts';

/** Why a stream ended: the connection broke (or never came), or what answers is not an emulator that we can talk to. */
export type StreamEnd = { readonly kind: 'broken' } | { readonly kind: 'refused'; readonly why: string };

/** The emulator sends a comment every 15 s. */
const silenceMs = 45_000;
const largestEventBytes = 64 * 1024 * 1024;

/**
 * Follows `/minifal/events` of the emulator on this api port: the whole state at once and after each change. Clear text: it never
 * leaves this machine. `onEnd` is called once, unless `close` came first.
 */
export function followStatus(options: {
  readonly port: number;
  readonly key: string;
  readonly onStatus: (status: Status) => void;
  readonly onEnd: (end: StreamEnd) => void;
}): { close(): void } {
  let over = false;
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
      if (buffered.length > largestEventBytes) end({ kind: 'broken' });
      // A state says all there is: of several that came together only the last one counts.
      const last = events.findLast((event) => event.startsWith('data: '));
      if (last !== undefined && !over) tell(last.slice('data: '.length));
    });
    response.on('close', () => end({ kind: 'broken' }));
    response.on('error', () => end({ kind: 'broken' }));
  }

  function tell(json: string): void {
    const status = parse(json);
    if (status) options.onStatus(status);
    else end({ kind: 'refused', why: otherVersion(options.port) });
  }

  return {
    close() {
      over = true;
      request.destroy();
    },
  };
}

function parse(json: string): Status | undefined {
  try {
    return statusSchema.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}

function whyRefused(status: number | undefined, port: number): string {
  return status === 401 ? `The emulator on port ${port} does not know the key of its data folder.` : otherVersion(port);
}

function otherVersion(port: number): string {
  return `The emulator on port ${port} is another version of minifal.`;
}
