import { type ChildProcess, spawn } from 'node:child_process';
import type { Gpu, GpuSample } from './gpu.ts';
import { parseSamples, program, sampleQuery } from './nvidia-smi.ts';

/** Measures the GPUs once a second, but only while runners have some: a laptop's GPU sleeps when nobody asks for it. */
export interface GpuMonitor {
  setInUse(inUse: boolean): void;
  /** The GPUs that are expected to answer from now on. */
  expect(gpus: readonly Gpu[]): void;
  /** The latest measurement of a GPU; absent: it isn't measured now. */
  sample(uuid: string): GpuSample | undefined;
  close(): void;
}

const everyMs = 1_000;
/** A GPU that hasn't been measured for this long has a problem. */
const silentMs = 5_000;
/** A longer line isn't nvidia-smi's. */
const maxLine = 4_096;

/**
 * One nvidia-smi that prints a line per GPU and second; it takes 0.2 % of a core, and a new one each second 2 %
 * (measured on an H100). `onDoubt`: a GPU doesn't answer, or another one does, so the list of GPUs may be wrong; called
 * at most once per check. Must not throw.
 */
export function createGpuMonitor(deps: {
  readonly env: NodeJS.ProcessEnv;
  readonly onDoubt: () => void;
  /** For tests. */
  readonly checkMs?: number;
}): GpuMonitor {
  const { env, onDoubt, checkMs = silentMs } = deps;
  const latest = new Map<string, { readonly sample: GpuSample; readonly at: number }>();
  const strangers = new Set<string>();
  let expected: readonly Gpu[] = [];
  let child: ChildProcess | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  let begunAt = 0;
  let doubts = false;

  function take(line: string): void {
    for (const sample of parseSamples(line).found) {
      latest.set(sample.uuid, { sample, at: performance.now() });
      if (expected.some(({ uuid }) => uuid === sample.uuid) || strangers.has(sample.uuid)) continue;
      strangers.add(sample.uuid);
      doubts = true;
    }
  }

  function begin(): void {
    begunAt = performance.now();
    try {
      child = spawn(program, [...sampleQuery, '-lms', String(everyMs)], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch {
      return; // No process can be started now; the next check tries again.
    }
    const own = child;
    let rest = '';
    own.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = (lines.pop() ?? '').slice(0, maxLine);
      for (const line of lines) take(line);
    });
    const ended = (): void => {
      if (child === own) child = undefined;
    };
    own.once('error', ended);
    own.once('exit', ended);
  }

  function check(): void {
    const now = performance.now();
    const isFresh = ({ at }: { readonly at: number }) => now - at < checkMs;
    const fresh = [...latest.values()].filter(isFresh).map(({ sample }) => sample.uuid);
    if (now - begunAt >= checkMs)
      doubts ||= expected.some(({ uuid }) => uuid.startsWith('GPU-') && !fresh.includes(uuid));
    if (child === undefined) begin();
    else if (fresh.length === 0 && now - begunAt >= checkMs) child.kill('SIGKILL');
    if (!doubts) return;
    doubts = false;
    onDoubt();
  }

  function end(): void {
    clearInterval(timer);
    timer = undefined;
    child?.kill('SIGKILL');
    child = undefined;
    latest.clear();
    strangers.clear();
  }

  return {
    setInUse(inUse) {
      if (!inUse) return end();
      if (timer !== undefined) return;
      begin();
      timer = setInterval(check, checkMs);
      timer.unref();
    },
    expect(gpus) {
      expected = gpus;
    },
    sample(uuid) {
      const found = latest.get(uuid);
      return found !== undefined && performance.now() - found.at < silentMs ? found.sample : undefined;
    },
    close: end,
  };
}
