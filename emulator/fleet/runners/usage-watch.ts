import type { Report } from '../../local/loop/contain.ts';
import { coresBetween, type Usages } from '../../local/processes/usage.ts';

/** What a runner's processes use together. */
export interface RunnerUsage {
  /** On average since the measurement before; absent after the first one. */
  readonly cores?: number;
  /** Memory that is theirs or that they share with others. */
  readonly residentBytes: number;
}

export interface UsageWatch {
  /** A runner has got its process. */
  begin(): void;
  /** The latest measurement; `undefined`: none yet, or the runner isn't measured. */
  of(id: string): RunnerUsage | undefined;
  close(): void;
}

const checkMs = 1_000;
/** Reading one takes about 0.01 ms, so that all take at most half a percent of a core, however many there are. */
const msPerProcess = 2;
/** What `check` does may take this part of the time. */
const checkShare = 0.05;

/** Measures once a second what runners use, while there are any; more rarely on a machine with very many processes. */
export function createUsageWatch<R extends { readonly id: string; readonly pid: number }>(deps: {
  readonly runners: () => readonly R[];
  /** What these processes and those below them use. Never rejects. */
  readonly usages: (mains: readonly number[]) => Promise<Usages>;
  /** Called with each measurement. Resolves with the milliseconds that it took. */
  readonly check: (runners: readonly R[], usages: Usages) => Promise<number>;
  /** Called with each measurement, by runner. */
  readonly onUsage: (usages: ReadonlyMap<string, RunnerUsage>) => void;
  readonly report: Report;
}): UsageWatch {
  const { runners } = deps;
  let latest = new Map<string, RunnerUsage>();
  let before: Usages | undefined;
  let isRunning = false;
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** @returns how long to wait for the next measurement */
  async function measure(): Promise<number> {
    const measured = runners();
    const usages = await deps.usages(measured.map(({ pid }) => pid));
    latest = new Map(
      measured.flatMap(({ id, pid }) => {
        const usage = usages.of.get(pid);
        if (usage === undefined) return [];
        const cores = before && coresBetween(before, usages, pid);
        return [[id, { ...(cores === undefined ? {} : { cores }), residentBytes: usage.residentBytes }] as const];
      }),
    );
    before = usages;
    deps.onUsage(latest);
    const checkTook = await deps.check(measured, usages);
    return Math.max(checkMs, usages.cpu.size * msPerProcess, checkTook / checkShare);
  }

  function plan(delayMs: number): void {
    isRunning = !isClosed && runners().length > 0;
    if (!isRunning) {
      latest.clear();
      before = undefined;
      return;
    }
    timer = setTimeout(() => {
      measure()
        .catch((error: unknown) => {
          deps.report(error);
          return checkMs;
        })
        .then(plan);
    }, delayMs);
    timer.unref();
  }

  return {
    begin() {
      if (!isRunning && !isClosed) plan(checkMs);
    },
    of: (id) => latest.get(id),
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
