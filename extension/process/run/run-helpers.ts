import type { HelperOrder } from './messages.ts';
import { runsEndedAlone, runsOnDisk } from './runs-on-disk.ts';
import { type FalRun, type JoinedRun, joinRun, startRun } from './window-run.ts';

/** A reloading window returns within this time; a closed one ends its runs after it. As for the emulator: window.ts. */
const graceMs = 30_000;

/** A `fal` command, and where it runs. */
export type FalProgram = Pick<HelperOrder, 'command' | 'args' | 'cwd' | 'env' | 'takesOrders'>;

/**
 * Runs of this workspace in helper processes, which outlive a window that reloads.
 * @param program the helper's file
 * @param folder where the helpers of this workspace are recorded
 */
export function createRunHelpers(program: string, folder: string) {
  const waiting = new Set<{ leave(): void }>();
  return {
    /** @param about given to a window that joins the run */
    start: (fal: FalProgram, about: unknown, onText: (text: string) => void): FalRun =>
      startRun(program, { ...fal, folder, about, graceMs }, onText),
    /**
     * Joins the runs of earlier windows. Resolves when `onYours` is done with each, or the run has ended; perhaps
     * never, because another window may show one.
     */
    async join(onYours: (about: unknown, joined: JoinedRun) => unknown): Promise<void> {
      const joining = runsOnDisk(folder).map(
        ({ socket, about }) =>
          new Promise<void>((resolve) => {
            const run = joinRun(socket, async (joined) => {
              await onYours(about, joined);
              resolve();
            });
            waiting.add(run);
            void run.ended.then(() => resolve());
          }),
      );
      await Promise.all(joining);
    },
    /** The runs that ended lately because no window came back; each once, as its window described it. */
    ended: (now: number): readonly unknown[] => runsEndedAlone(folder, now),
    /** Leaves the runs that were joined to the next window. */
    leave(): void {
      for (const run of waiting) run.leave();
    },
  };
}

export type RunHelpers = ReturnType<typeof createRunHelpers>;
