import { existsSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { findRunning, isAlive, type RunningEmulator, readLocalKey } from '../../emulator/local/data-folder.ts';
import { t } from '../words.ts';
import { createLiveClient, type LiveClient, type StreamEnd } from './live.ts';
import { createObserved } from './observed.ts';
import type { Snapshot } from './snapshot.ts';
import { watchFile } from './watch-file.ts';

/**
 * Delays between attempts while an emulator's process lives but doesn't answer (it is ending, or hangs); doubled each
 * time. The sockets of a killed process close a moment before the process is gone: until then, its rows seem to live.
 */
const retryMs = { first: 30, max: 5_000 };

export interface Link {
  readonly folder: string;
  snapshot(): Snapshot;
  /** Answers questions about what the snapshot no longer shows; `undefined`: no emulator was found yet. */
  client(): LiveClient | undefined;
  /** Called after every change; returns the unsubscriber. */
  onChange(listener: (snapshot: Snapshot, before: Snapshot) => void): () => void;
  /** A start was requested in this window; call `settled` when it has ended, with the reason if it failed. */
  starting(): { settled(why?: string): void };
  /** The end of the running emulator was requested; `restarts`: and a new start. */
  stopping(restarts: boolean): void;
  /** Resolves with the first state that fits; rejects when `signal` is aborted. */
  until(fits: (snapshot: Snapshot) => boolean, signal: AbortSignal): Promise<Snapshot>;
  close(): void;
}

/**
 * Keeps a window in sync with the emulator of a data folder, whatever started it: joins it when it starts, follows its
 * state while it is running, notices its end, and joins the next one. Uses one open connection while it is running and
 * one watch on the folder otherwise; no polling.
 */
export function createLink(folder: string): Link {
  const observed = createObserved<Snapshot>({ state: 'stopped' });
  let stream: { readonly of: RunningEmulator; close(): void } | undefined;
  /** Knows what the emulator has sent, so that a dropped connection continues where it ended. */
  let client: { readonly of: RunningEmulator; readonly key: string; readonly live: LiveClient } | undefined;
  let watcher: { close(): void } | undefined;
  let retry: NodeJS.Timeout | undefined;
  let nextRetryMs = retryMs.first;
  let starts = 0;
  let stopAsked: (RunningEmulator & { readonly restarts: boolean }) | undefined;
  let closed = false;

  /** Compares the folder with the known state. Safe to call at any time. */
  function look(): void {
    clearTimeout(retry);
    if (closed || stream) return;
    const running = findRunning(folder);
    const key = running && readLocalKey(folder);
    if (running && key !== undefined) join(running, key);
    else {
      watcher ??= watchFile(folder, 'emulator.json', look);
      if (!running) none();
    }
  }

  function join(running: RunningEmulator, key: string): void {
    watcher?.close();
    watcher = undefined;
    if (client?.of.pid !== running.pid || client.of.processStart !== running.processStart || client.key !== key) {
      const address = `http://localhost:${running.ports.api}`;
      client = { of: running, key, live: createLiveClient({ address, key }) };
    }
    const { close } = client.live.follow({
      onState(live) {
        nextRetryMs = retryMs.first;
        observed.set({ state: 'running', running, live });
      },
      onEnd: (end) => left(running, end),
    });
    stream = { of: running, close };
  }

  function left(running: RunningEmulator, end: StreamEnd): void {
    stream = undefined;
    if (end.kind === 'refused') {
      watcher ??= watchFile(folder, 'emulator.json', look);
      observed.set({ state: 'failed', running, why: whyRefused(end.why, running.ports.api) });
    } else if (isAlive(running)) {
      // Its port closes before its process ends: only then is it known whether it ended cleanly.
      retry = setTimeout(look, nextRetryMs);
      nextRetryMs = Math.min(nextRetryMs * 2, retryMs.max);
    } else look();
  }

  function none(): void {
    const { state, running, live, last = live } = observed.get();
    nextRetryMs = retryMs.first;
    if (starts > 0) {
      if (state !== 'starting') observed.set({ state: 'starting', ...keep(last) });
    } else if (state === 'running' && running && stopAsked?.pid !== running.pid && wasKilled(folder)) {
      const why = t('The emulator (process {0}) ended unexpectedly.', running.pid);
      observed.set({ state: 'failed', why, ...keep(last) });
    } else if (state === 'running' || state === 'starting' || running) {
      // What it said of itself, such as that its data folder was deleted, is why it stopped.
      const why = live?.head.trouble ?? null;
      const isAsked = running !== undefined && stopAsked?.pid === running.pid && !stopAsked.restarts;
      observed.set({ state: 'stopped', ...(why === null ? {} : { why }), ...(isAsked ? { isAsked } : {}) });
    }
  }

  look();
  return {
    folder,
    snapshot: observed.get,
    client: () => client?.live,
    onChange: observed.onChange,
    until: observed.until,
    starting() {
      starts++;
      look();
      let open = true;
      return {
        settled(why) {
          if (!open) return;
          open = false;
          starts--;
          // Directly, without `stopped` in between: listeners distinguish a failed start from an emulator that ended.
          const startFailed =
            why !== undefined && starts === 0 && observed.get().state === 'starting' && !findRunning(folder);
          if (startFailed) observed.set({ state: 'failed', why, ...keep(observed.get().last) });
          else look();
        },
      };
    },
    stopping(restarts) {
      const { running } = observed.get();
      stopAsked = running && { ...running, restarts };
    },
    close() {
      closed = true;
      clearTimeout(retry);
      stream?.close();
      watcher?.close();
      observed.close();
    },
  };
}

function keep(last: Snapshot['last']): Pick<Snapshot, 'last'> {
  return last ? { last } : {};
}

/** An emulator that ends cleanly removes the file. */
function wasKilled(folder: string): boolean {
  return existsSync(joinPath(folder, 'emulator.json'));
}

function whyRefused(why: 'key' | 'version', port: number): string {
  if (why === 'key') return t('The emulator on port {0} does not accept the key of its data folder.', port);
  return t('The emulator on port {0} is another version of minifal.', port);
}
