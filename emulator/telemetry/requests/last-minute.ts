/** Counts of the requests of the last minute, for each app. */
export interface LastMinute {
  readonly received: readonly { readonly alias: string; readonly method: string; readonly count: number }[];
  readonly completed: readonly {
    readonly alias: string;
    readonly method: string;
    readonly status: number;
    readonly count: number;
  }[];
  /** How many were completed within so many seconds of their arrival; the last one is infinity. */
  readonly latency: readonly {
    readonly alias: string;
    readonly within: readonly { readonly seconds: number; readonly count: number }[];
  }[];
}

/** Assumed: the documentation shows only the first one and infinity. */
const latencySeconds = [1, 2, 5, 10, 30, 60, 120, 300, 600, Number.POSITIVE_INFINITY];
const seconds = 60;
/** Callers choose methods, and apps statuses: what is more in one second isn't counted. */
const maxKeys = 1_000;

interface Bucket {
  readonly second: number;
  readonly received: Map<string, number>;
  readonly completed: Map<string, number>;
  readonly latency: Map<string, number>;
}

/** Instants are milliseconds since the epoch. */
export function createLastMinute() {
  /** One for each second of the minute; a later minute takes the place of an earlier one. */
  const buckets: (Bucket | undefined)[] = Array.from({ length: seconds });

  function bucketAt(at: number): Bucket | undefined {
    const second = Math.floor(at / 1_000);
    const known = buckets[second % seconds];
    if (known && known.second >= second) return known.second === second ? known : undefined;
    const bucket = { second, received: new Map(), completed: new Map(), latency: new Map() };
    buckets[second % seconds] = bucket;
    return bucket;
  }

  /** Sums of the last minute, by key. */
  function sums(now: number, which: 'received' | 'completed' | 'latency'): readonly (readonly [string[], number])[] {
    const last = Math.floor(now / 1_000);
    const all = new Map<string, number>();
    for (const bucket of buckets) {
      if (!bucket || bucket.second <= last - seconds || bucket.second > last) continue;
      for (const [key, count] of bucket[which]) all.set(key, (all.get(key) ?? 0) + count);
    }
    return [...all].map(([key, count]) => [key.split('\n'), count]);
  }

  return {
    received(at: number, { alias, method }: { readonly alias: string; readonly method: string }): void {
      add(bucketAt(at)?.received, `${alias}\n${method}`);
    },
    completed(
      at: number,
      request: {
        readonly alias: string;
        readonly method: string;
        readonly status: number | null;
        readonly submittedAt: number;
      },
    ): void {
      const bucket = bucketAt(at);
      if (request.status !== null) add(bucket?.completed, `${request.alias}\n${request.method}\n${request.status}`);
      const took = (at - request.submittedAt) / 1_000;
      add(bucket?.latency, `${request.alias}\n${latencySeconds.findIndex((limit) => took <= limit)}`);
    },
    read(now: number): LastMinute {
      const latency = new Map<string, number[]>();
      for (const [[alias = '', place], count] of sums(now, 'latency')) {
        const counts = latency.get(alias) ?? latencySeconds.map(() => 0);
        latency.set(alias, counts);
        // Each bucket has what is in those before it, too.
        for (let at = Number(place); at < counts.length; at++) counts[at] = (counts[at] ?? 0) + count;
      }
      return {
        received: sums(now, 'received').map(([[alias = '', method = ''], count]) => ({ alias, method, count })),
        completed: sums(now, 'completed').map(([[alias = '', method = '', status], count]) => ({
          ...{ alias, method, status: Number(status), count },
        })),
        latency: [...latency].map(([alias, counts]) => ({
          alias,
          within: latencySeconds.map((limit, at) => ({ seconds: limit, count: counts[at] ?? 0 })),
        })),
      };
    },
  };
}

function add(counts: Map<string, number> | undefined, key: string): void {
  const before = counts?.get(key);
  if (!counts || (before === undefined && counts.size >= maxKeys)) return;
  counts.set(key, (before ?? 0) + 1);
}
