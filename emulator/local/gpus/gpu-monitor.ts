import type { Gpu, GpuProcess, GpuSample } from './gpu.ts';
import { parseProcesses, parseSamples, processQuery, sampleQuery } from './nvidia-smi.ts';
import { memoryOf } from './process-memory.ts';
import { createRepeated } from './repeated-query.ts';

/** Measures the GPUs once a second, but only while runners have some: a laptop's GPU sleeps when nobody asks for it. */
export interface GpuMonitor {
  setInUse(inUse: boolean): void;
  /** The GPUs that are expected to answer from now on. */
  expect(gpus: readonly Gpu[]): void;
  /** The latest measurement of a GPU; absent: it isn't measured now. */
  sample(uuid: string): GpuSample | undefined;
  /** MiB that a runner with this main process uses on the GPU; absent: not known. */
  memoryOf(uuid: string, main: number): number | undefined;
  close(): void;
}

/** A process that hasn't been listed for this long has ended. */
const endedMs = 2_500;
/** A GPU that hasn't been measured for this long has a problem. */
const silentMs = 5_000;

interface Timed<T> {
  readonly value: T;
  readonly at: number;
}

/**
 * Two of nvidia-smi that print a line per GPU, and per process on one, each second. They take 0.1 % of a core; starting
 * them each second would take 4 % (measured on an H200). `onDoubt`: a GPU doesn't answer, or another one does, so the
 * list of GPUs may be wrong; called at most once per check. Must not throw.
 */
export function createGpuMonitor(deps: {
  readonly env: NodeJS.ProcessEnv;
  readonly onDoubt: () => void;
  /** For tests. */
  readonly checkMs?: number;
}): GpuMonitor {
  const { env, onDoubt, checkMs = silentMs } = deps;
  const samples = new Map<string, Timed<GpuSample>>();
  const processes = new Map<string, Timed<GpuProcess>>();
  const strangers = new Set<string>();
  let expected: readonly Gpu[] = [];
  let timer: ReturnType<typeof setInterval> | undefined;
  let begunAt = 0;
  let doubts = false;

  const ofGpus = createRepeated(sampleQuery, env, (line) => {
    for (const sample of parseSamples(line).found) {
      samples.set(sample.uuid, { value: sample, at: performance.now() });
      if (expected.some(({ uuid }) => uuid === sample.uuid) || strangers.has(sample.uuid)) continue;
      strangers.add(sample.uuid);
      doubts = true;
    }
  });
  const ofProcesses = createRepeated(processQuery, env, (line) => {
    const at = performance.now();
    for (const one of parseProcesses(line).found) processes.set(`${one.pid} ${one.uuid}`, { value: one, at });
  });

  function check(): void {
    const now = performance.now();
    for (const [key, { at }] of processes) if (now - at >= silentMs) processes.delete(key);
    const fresh = [...samples.values()].filter(({ at }) => now - at < checkMs).map(({ value }) => value.uuid);
    const isDue = now - begunAt >= checkMs;
    if (isDue) doubts ||= expected.some(({ uuid }) => uuid.startsWith('GPU-') && !fresh.includes(uuid));
    // Without a line it hangs, or the driver has failed.
    if (isDue && fresh.length === 0) ofGpus.end();
    begin();
    if (!doubts) return;
    doubts = false;
    onDoubt();
  }

  function begin(): void {
    ofGpus.begin();
    ofProcesses.begin();
  }

  function end(): void {
    clearInterval(timer);
    timer = undefined;
    ofGpus.end();
    ofProcesses.end();
    samples.clear();
    processes.clear();
    strangers.clear();
  }

  return {
    setInUse(inUse) {
      if (!inUse) return end();
      if (timer !== undefined) return;
      begunAt = performance.now();
      begin();
      timer = setInterval(check, checkMs);
      timer.unref();
    },
    expect(gpus) {
      expected = gpus;
    },
    sample(uuid) {
      const found = samples.get(uuid);
      return found !== undefined && performance.now() - found.at < silentMs ? found.value : undefined;
    },
    memoryOf(uuid, main) {
      const now = performance.now();
      const current = [...processes.values()].filter(({ at }) => now - at < endedMs).map(({ value }) => value);
      return memoryOf(current, uuid, main);
    },
    close: end,
  };
}
