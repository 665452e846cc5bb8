/** What one runner used at one moment, or on average in a span of time that begins then. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** 1.5 is one core and a half. Absent: not known yet. */
  readonly cores?: number;
  /** The most in the span, because a peak is what ends a runner. */
  readonly memoryBytes: number;
  /** Percent, on average of its GPUs. The values of GPUs are absent without one, and where the driver has none. */
  readonly gpuUtilization?: number;
  /** Of all of its GPUs; the most in the span. */
  readonly gpuMemoryBytes?: number;
  /** Of all of its GPUs. */
  readonly powerWatts?: number;
}

/** Where the span that has this instant begins. */
export function spanOf(at: number, spanMs: number): number {
  return Math.floor(at / spanMs) * spanMs;
}

/** One sample for each span that has any, oldest first. The samples may be in any order. */
export function condense(samples: readonly Sample[], spanMs: number): readonly Sample[] {
  const spans = new Map<number, Sample[]>();
  for (const sample of samples) {
    const at = spanOf(sample.at, spanMs);
    const others = spans.get(at);
    if (others) others.push(sample);
    else spans.set(at, [sample]);
  }
  return [...spans].sort(([a], [b]) => a - b).map(([at, those]) => together(at, those));
}

function together(at: number, samples: readonly Sample[]): Sample {
  const cores = mean(samples.map((sample) => sample.cores));
  const gpuUtilization = mean(samples.map((sample) => sample.gpuUtilization));
  const gpuMemoryBytes = most(samples.map((sample) => sample.gpuMemoryBytes));
  const powerWatts = mean(samples.map((sample) => sample.powerWatts));
  return {
    at,
    ...(cores === undefined ? {} : { cores }),
    memoryBytes: most(samples.map(({ memoryBytes }) => memoryBytes)) ?? 0,
    ...(gpuUtilization === undefined ? {} : { gpuUtilization }),
    ...(gpuMemoryBytes === undefined ? {} : { gpuMemoryBytes }),
    ...(powerWatts === undefined ? {} : { powerWatts }),
  };
}

type Values = readonly (number | undefined)[];

function mean(values: Values): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function most(values: Values): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => Math.max(a, b));
}
