import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Emulator } from '../emulator.ts';
import { usedMemory } from '../procfs.ts';
import { until } from '../wait.ts';

const answer = z.object({ id: z.number(), result: z.record(z.string(), z.unknown()).optional() });

/** After a burst, memory is returned to the system within this many collections, 200 ms apart. */
const enough = 10;

/** The resources that the process holds after garbage collection: the measure of a leak. */
export interface Collector {
  /**
   * The bytes of the process as the system counts them, once collections free no more: memory of a burst is returned
   * gradually.
   */
  memory(): Promise<number>;
  close(): void;
}

/**
 * Collects garbage through Node's inspector, which SIGUSR1 opens in any Node process, so the emulator runs unmodified.
 * Start it with `NODE_OPTIONS=--inspect-port=0`, so that two of them don't want the same port.
 */
export async function openCollector(emulator: Emulator): Promise<Collector> {
  process.kill(emulator.pid, 'SIGUSR1');
  const url = await until(
    'the inspector listens',
    () => /Debugger listening on (ws:\S+)/.exec(emulator.logText())?.[1],
  );
  const socket = new WebSocket(url);
  await once(socket, 'open');
  let calls = 0;

  async function collect(): Promise<void> {
    const id = ++calls;
    const done = new Promise<void>((resolve) => {
      socket.on('message', function listen(data) {
        if (answer.safeParse(JSON.parse(data.toString())).data?.id !== id) return;
        socket.off('message', listen);
        resolve();
      });
    });
    socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
    await done;
  }

  return {
    async memory() {
      let lowest = Number.POSITIVE_INFINITY;
      let collectionsWithoutLess = 0;
      await until(
        'collections free no more memory',
        async () => {
          await collect();
          const now = usedMemory(emulator.pid) ?? Number.POSITIVE_INFINITY;
          collectionsWithoutLess = now < lowest * 0.995 ? 0 : collectionsWithoutLess + 1;
          lowest = Math.min(lowest, now);
          return collectionsWithoutLess >= enough;
        },
        { everyMs: 200, timeoutMs: 120_000 },
      );
      return lowest;
    },
    close: () => socket.terminate(),
  };
}
