import { createLiveClient, type LiveClient } from '../../extension/target/live.ts';
import { createLogClient, type LogClient } from '../../extension/target/log-client.ts';
import { createObserved } from '../../extension/target/observed.ts';
import type { Snapshot } from '../../extension/target/snapshot.ts';
import type { Session } from './session.ts';

/** Delays between attempts while the emulator doesn't answer; doubled each time. */
const retryMs = { first: 100, max: 1_000 };

/**
 * Follows the emulator of this page's address, as `extension/target/link.ts` does for a window: over one connection,
 * which ends while nobody looks at the page.
 */
export function createBrowserLink(session: Session) {
  const observed = createObserved<Snapshot>({ state: 'starting' });
  let clients: { readonly token: string; readonly live: LiveClient; readonly log: LogClient } | undefined;
  let stream: { close(): void } | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let nextRetryMs = retryMs.first;
  let isPaused = false;

  function look(): void {
    clearTimeout(retry);
    const signedIn = session.get();
    if (stream || isPaused || signedIn.state !== 'in') return;
    const { token } = signedIn;
    if (clients?.token !== token) {
      const server = { address: location.origin, key: token };
      clients = { token, live: createLiveClient(server), log: createLogClient(server) };
    }
    stream = clients.live.follow({
      onState(live) {
        nextRetryMs = retryMs.first;
        observed.set({ state: 'running', live });
      },
      onEnd(end) {
        stream = undefined;
        const { live, last = live } = observed.get();
        const kept = last ? { last } : {};
        if (end.kind === 'refused') {
          observed.set({ state: 'failed', ...kept });
          if (end.why === 'key') session.ended(token);
          // Another version of minifal answers: its pages are needed.
          else location.reload();
          return;
        }
        observed.set({ state: 'stopped', ...kept });
        retry = setTimeout(look, nextRetryMs);
        nextRetryMs = Math.min(nextRetryMs * 2, retryMs.max);
      },
    });
  }

  session.onChange(look);
  look();
  return {
    snapshot: observed.get,
    onChange: observed.onChange,
    client: () => clients?.live,
    /** The log; `undefined`: the emulator doesn't answer, or this page isn't signed in. */
    log(): LogClient | undefined {
      const isUp = observed.get().state === 'running' || observed.get().state === 'starting';
      return isUp && session.get().state === 'in' ? clients?.log : undefined;
    },
    /** Nobody looks at the page: a browser opens only six connections to a server. */
    pause(): void {
      isPaused = true;
      stream?.close();
      stream = undefined;
      clearTimeout(retry);
    },
    resume(): void {
      isPaused = false;
      look();
    },
  };
}

export type BrowserLink = ReturnType<typeof createBrowserLink>;
