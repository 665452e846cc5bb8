import type { LogLine, Logs } from '../../../telemetry/types.ts';

const maxText = 200;

/** The last line that each starting runner wrote. The log is followed only while a runner starts and somebody reads. */
export interface LastLines {
  of(runnerId: string): string | undefined;
  /** Whether the runner starts. */
  set(runnerId: string, starts: boolean): void;
  /** Somebody reads; nobody reads. */
  resume(): void;
  pause(): void;
}

export function createLastLines(logs: Pick<Logs, 'follow'>, changed: (runnerId: string) => void): LastLines {
  const lines = new Map<string, string | undefined>();
  let isRead = false;
  let unfollow: (() => void) | undefined;

  function look(): void {
    const wanted = isRead && lines.size > 0;
    if (wanted === (unfollow !== undefined)) return;
    unfollow?.();
    unfollow = wanted ? logs.follow({}, take) : undefined;
  }

  function take({ runnerId, source, level, message, isServer }: LogLine): void {
    if (runnerId === null || source !== 'USER' || !lines.has(runnerId) || message.trim() === '') return;
    // What the SDK and the web server say about themselves isn't how far the app is.
    if (isServer || level === 'DEBUG' || level === 'TRACE') return;
    lines.set(runnerId, message.slice(0, maxText));
    changed(runnerId);
  }

  return {
    of: (id) => lines.get(id),
    set(id, starts) {
      if (starts === lines.has(id)) return;
      if (starts) lines.set(id, undefined);
      else lines.delete(id);
      look();
    },
    resume() {
      isRead = true;
      look();
    },
    pause() {
      isRead = false;
      look();
    },
  };
}
