import { request } from 'node:http';
import type { RunnerAddress } from '../engines/engine.ts';
import { passOf } from '../engines/pass.ts';
import { limitInterim } from './upstream.ts';

export type MetricsPage =
  | { readonly kind: 'page'; readonly text: string }
  /** Nothing serves metrics there. */
  | { readonly kind: 'none' }
  /** `why`: completes "It is left out, because". */
  | { readonly kind: 'failed'; readonly why: string };

/** Larger pages are refused, as by Prometheus' `body_size_limit`. */
export const maxPageBytes = 1024 * 1024;

const none: MetricsPage = { kind: 'none' };

/** The metrics that an app serves itself, from its metrics port. Never rejects; `signal` ends it. */
export function fetchMetricsPage(address: RunnerAddress, port: number, signal: AbortSignal): Promise<MetricsPage> {
  return new Promise((resolve) => {
    const accept = ['accept', 'text/plain;version=0.0.4'] as const;
    const headers = Object.fromEntries([...passOf(address), accept]);
    const asked = request({ host: address.host, port, path: '/metrics', agent: false, headers, signal });
    const fail = (why: string): void => {
      resolve({ kind: 'failed', why });
      asked.destroy();
    };
    limitInterim(asked);
    asked.on('response', (answer) => {
      const status = answer.statusCode ?? 0;
      if (status === 404) {
        resolve(none);
        return asked.destroy();
      }
      if (status !== 200) return fail(`the app answered with status ${status}`);
      const pieces: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > maxPageBytes) fail('it has more than 1 MiB');
        else pieces.push(piece);
      });
      answer.on('end', () => resolve({ kind: 'page', text: Buffer.concat(pieces).toString() }));
      answer.on('error', () => fail(signal.aborted ? late : broken));
    });
    asked.on('upgrade', (_answer, socket) => {
      socket.destroy();
      fail(broken);
    });
    asked.on('error', ({ code }: NodeJS.ErrnoException) => {
      const isNobody = code === 'ECONNREFUSED' || (address.isForwarded && code === 'ECONNRESET');
      if (isNobody) resolve(none);
      else fail(signal.aborted ? late : broken);
    });
    // Whatever the reason is.
    asked.on('close', () => fail(broken));
    asked.end();
  });
}

const late = 'the app did not answer in time';
const broken = 'the app closed the connection, or does not speak HTTP';
