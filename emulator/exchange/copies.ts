import type { ClientRequest } from 'node:http';
import type { DirectCall } from './direct.ts';
import type { Exchange } from './exchange.ts';
import { type HeaderList, headerOf } from './headers.ts';
import type { UpstreamBody } from './upstream.ts';

/** A request that an app has answered, with its answer. */
export interface Copied {
  readonly method: string;
  /** Within the app, without query. */
  readonly path: string;
  readonly query: string;
  /** The complete headers for the app. */
  readonly headers: HeaderList;
  readonly body: Buffer;
  readonly answer: CopiedAnswer;
}

export interface CopiedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Copies of requests and their answers, for those who want one. */
export interface Copies {
  /**
   * Calls `take` once with the first request of the app that begins from now on and is answered completely. Left out:
   * websockets, what minifal asks itself, requests that must not be sent twice (`X-Fal-No-Retry`), and large ones.
   * Returns a function that takes that back. A second one replaces the first.
   */
  next(alias: string, take: (copied: Copied) => void): () => void;
}

const maxBody = 16 << 20;
export const maxAnswer = 16 << 20;

/** `exchange` makes copies while somebody wants one, and is otherwise the one that is given. */
export function createCopies<Calls extends Pick<Exchange, 'stream' | 'perform'>>(
  exchange: Calls,
): { readonly copies: Copies; readonly exchange: Calls } {
  const wanted = new Map<string, { readonly take: (copied: Copied) => void }>();

  /** The copy of a request that begins now; `undefined`: nobody wants one. */
  function begin(alias: string, headers: HeaderList): ((copied: Copied | undefined) => void) | undefined {
    const one = wanted.get(alias);
    if (!one || headerOf(headers, 'x-fal-no-retry') !== undefined) return undefined;
    return (copied) => {
      if (!copied || wanted.get(alias) !== one) return;
      wanted.delete(alias);
      one.take(copied);
    };
  }

  const stream: Exchange['stream'] = async (call, runner, sink, signals) => {
    const done = wanted.size === 0 || call.info.isUnlisted ? undefined : begin(call.info.alias, call.headers);
    if (!done) return exchange.stream(call, runner, sink, signals);
    const sent = createParts(maxBody);
    const got = createParts(maxAnswer);
    let head = { status: 0, contentType: '' };
    const heard: DirectCall = { ...call, body: overheard(call.body, sent.add) };
    const ending = await exchange.stream(
      heard,
      runner,
      {
        start(status, headers) {
          head = { status, contentType: headerOf(headers, 'content-type') ?? '' };
          sink.start(status, headers);
        },
        write(chunk) {
          got.add(chunk);
          return sink.write(chunk);
        },
      },
      signals,
    );
    const { method, path, query, headers } = call;
    const [body, answer] = [sent.all(), got.all()];
    if (!ending.error && body && answer)
      done({ method, path, query, headers, body, answer: { ...head, body: answer } });
    return ending;
  };

  const perform: Exchange['perform'] = async (request, ...rest) => {
    const done = wanted.size === 0 || request.noRetry ? undefined : begin(request.alias, request.headers);
    const result = await exchange.perform(request, ...rest);
    const { response } = result;
    if (!done || !response || result.outcome.kind !== 'response') return result;
    const { method, path, query, headers } = request;
    const contentType = headerOf(response.headers, 'content-type') ?? '';
    const [body, answer] = [Buffer.from(request.body), Buffer.from(response.body)];
    if (body.length <= maxBody && answer.length <= maxAnswer)
      done({ method, path, query, headers, body, answer: { status: response.status, contentType, body: answer } });
    return result;
  };

  return {
    exchange: { ...exchange, stream, perform },
    copies: {
      next(alias, take) {
        const one = { take };
        wanted.set(alias, one);
        return () => {
          if (wanted.get(alias) === one) wanted.delete(alias);
        };
      },
    },
  };
}

/** Chunks up to a limit; nothing of what is longer. */
function createParts(limit: number) {
  const parts: Buffer[] = [];
  let size = 0;
  return {
    add(chunk: Uint8Array): void {
      size += chunk.length;
      if (size > limit) parts.length = 0;
      else parts.push(Buffer.from(chunk));
    },
    all: (): Buffer | undefined => (size > limit ? undefined : Buffer.concat(parts)),
  };
}

function overheard(body: UpstreamBody, hear: (chunk: Uint8Array) => void): UpstreamBody {
  if (body.kind === 'none') return body;
  if (body.kind === 'bytes') {
    hear(body.bytes);
    return body;
  }
  return {
    ...body,
    pump(to: ClientRequest) {
      const { write, end } = to;
      // Node's own `end` doesn't call `write`.
      to.write = ((...written: Parameters<typeof write>) => {
        if (written[0] instanceof Uint8Array) hear(written[0]);
        return write.apply(to, written);
      }) as typeof write;
      to.end = ((...written: Parameters<typeof end>) => {
        const [last]: readonly unknown[] = written;
        if (last instanceof Uint8Array) hear(last);
        return end.apply(to, written);
      }) as typeof end;
      body.pump(to);
    },
  };
}
