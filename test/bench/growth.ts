import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { infoOf } from '../../emulator/edge/gateway/queue/submit.ts';
import { listRunners } from '../../emulator/edge/grpc/runners/runners.ts';
import { inSlices } from '../../emulator/local/loop/slices.ts';
import { createQueue } from '../../emulator/queue/queue.ts';
import { createWebhooks } from '../../emulator/webhooks/webhooks.ts';
import { createRooms, longestBlock, type Rooms, ready, requestFor, submitAll } from './growth-bed.ts';
import { formOf, searchOf, submitOf, webhookOf } from './growth-bytes.ts';
import { openPane } from './growth-pane.ts';
import { manyEnd, stepInRollout, stepOnFullMachine } from './growth-runners.ts';
import { type Amount, timeOf, worldWith } from './growth-steps.ts';
import { median } from './stats.ts';

type Sizes = readonly [number, number, number];

/** One measurement at three sizes. */
interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly sizes: Sizes;
  measure(size: number): Promise<number> | number;
}

export interface GrowthOptions {
  readonly waiting: Sizes;
  readonly runners: Sizes;
  readonly apps: Sizes;
  readonly finished: Sizes;
}

/**
 * Costs that grow with the number of requests, runners, apps and hints: each is measured at three sizes, and the last
 * column has the ratio of the largest to the smallest. Runs the emulator's own rooms in one process, without app
 * processes. "block": the longest time that the event loop was blocked, in CPU time and (in brackets) in wall-clock
 * time, which includes other programs.
 */
export async function benchGrowth(options: GrowthOptions): Promise<void> {
  console.log(`  ${'figure'.padEnd(44)}${'at'.padStart(10)}${'at'.padStart(18)}${'at'.padStart(18)}    ratio`);
  for (const { name, unit, sizes, measure } of figures(options)) {
    const found: number[] = [];
    for (const size of sizes) found.push(await measure(size));
    const cells = found.map((value, n) => `${sizes[n]?.toLocaleString('en')}: ${round(value)}`.padStart(18)).join('');
    const ratio = (found.at(-1) ?? 0) / (found[0] || Number.NaN);
    console.log(`  ${`${name}, ${unit}`.padEnd(40)}${cells}   ${ratio.toFixed(1)}`);
  }
}

const round = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(2));

function figures({ waiting, runners, apps, finished }: GrowthOptions): readonly Figure[] {
  return [
    { name: 'step, waiting', unit: 'µs', sizes: waiting, measure: (size) => timeOf(worldWith({ waiting: size })) },
    { name: 'step, apps', unit: 'µs', sizes: apps, measure: (size) => timeOf(worldWith({ apps: size })) },
    { name: 'step, free runners', unit: 'µs', sizes: runners, measure: (size) => timeOf(worldWith({ runners: size })) },
    {
      name: 'step with a hint, free runners',
      unit: 'µs',
      sizes: runners,
      measure: (size) => timeOf(worldWith({ runners: size }), () => 'unknown'),
    },
    {
      name: 'step with a hint, hints seen',
      unit: 'µs',
      sizes: waiting,
      measure: (size) => timeOf(worldWith({ runners: 1, hints: size }), (n) => `new-${n}`),
    },
    { name: 'watcher, one event, waiting', unit: 'µs', sizes: waiting, measure: (size) => watch({ waiting: size }) },
    { name: 'watcher, one event, runners', unit: 'µs', sizes: runners, measure: (size) => watch({ runners: size }) },
    { name: 'watcher, one event, apps', unit: 'µs', sizes: apps, measure: (size) => watch({ apps: size }) },
    {
      name: 'watcher, one event, runners',
      unit: 'bytes',
      sizes: runners,
      measure: (size) => watch({ runners: size }, 'bytes'),
    },
    { name: 'ListRunners, idle ones', unit: 'ms', sizes: runners, measure: list },
    { name: 'runners start together, block', unit: 'ms', sizes: runners, measure: startRunners },
    ...(['deleted', 'deployed', 'rolled', 'rolled out', 'killed', 'stopped'] as const).map((how) => ({
      name: `app ${how} with busy runners, block`,
      unit: 'ms',
      sizes: runners,
      measure: (size: number) => manyEnd(size, how),
    })),
    { name: 'step during a rollout of the app, runners', unit: 'µs', sizes: runners, measure: stepInRollout },
    { name: 'step on a full machine, apps', unit: 'µs', sizes: apps, measure: stepOnFullMachine },
    { name: 'flush, block', unit: 'ms', sizes: waiting, measure: (size) => emptied(size, 'flush') },
    { name: 'app deleted with waiting, block', unit: 'ms', sizes: waiting, measure: (size) => emptied(size, 'delete') },
    { name: 'load after a start', unit: 'µs per request', sizes: waiting, measure: load },
    { name: 'prune, finished, block', unit: 'ms', sizes: finished, measure: prune },
    {
      name: 'submits with a webhook',
      unit: 'per s',
      sizes: [10, 1_000, 10_000],
      measure: (size) => submits(size, true),
    },
    { name: 'form with a file, KiB, block', unit: 'ms', sizes: [10, 1_000, 99_000], measure: formOf },
    { name: 'search in log lines, block', unit: 'ms', sizes: waiting, measure: searchOf },
    { name: 'webhook of a result, KiB, block', unit: 'ms', sizes: [10, 1_000, 50_000], measure: webhookOf },
    { name: 'request is queued, KiB, block', unit: 'ms', sizes: [10, 1_000, 50_000], measure: submitOf },
    { name: 'submits without', unit: 'per s', sizes: [10, 1_000, 10_000], measure: (size) => submits(size, false) },
    { name: "supervisor, a runner's line", unit: 'µs', sizes: runners, measure: (size) => ofSupervisor('line', size) },
    {
      name: 'keeper, end of its processes',
      unit: 'ms',
      sizes: [10, 100, 400],
      measure: (size) => ofSupervisor('sweep', size),
    },
    { name: 'all of it busy for 3 s, block', unit: 'ms', sizes: waiting, measure: (size) => busy(size, runners, apps) },
  ];
}

async function ofSupervisor(what: 'line' | 'sweep', size: number): Promise<number> {
  const program = join(import.meta.dirname, 'supervisor.py');
  return Number((await promisify(execFile)('python3', [program, what, String(size)])).stdout);
}

async function roomsWith({ waiting = 0, runners = 1, apps = 0 }: Amount): Promise<Rooms> {
  const rooms = createRooms();
  for (let n = 0; n < apps; n++) rooms.deploy(`app-${n}`);
  const up = ready(rooms, runners);
  rooms.deploy('app', { minConcurrency: runners, maxConcurrency: runners });
  await up;
  if (waiting > 0) {
    rooms.deploy('closed', { maxConcurrency: 0 });
    await enqueueAll(rooms, waiting);
  }
  return rooms;
}

async function enqueueAll(rooms: Rooms, count: number): Promise<void> {
  const requests = Array.from({ length: count }, () => requestFor('closed'));
  await submitAll(rooms, requests);
  for (const request of requests) rooms.fleet.enqueue(infoOf(request, 0));
}

/** The cost of one change of one runner and one queue for an open pane. */
async function watch(amount: Amount, what: 'time' | 'bytes' = 'time'): Promise<number> {
  const rooms = await roomsWith(amount);
  try {
    const pane = openPane(rooms);
    while (pane.next() !== undefined);
    const took: number[] = [];
    let bytes = 0;
    for (let n = 0; n < 200; n++) {
      const request = requestFor(amount.waiting === undefined ? 'app' : 'closed');
      await rooms.queue.submit(request);
      rooms.fleet.enqueue(infoOf(request, 0));
      const between = performance.now();
      const text = pane.next();
      took.push((performance.now() - between) * 1000);
      if (text === undefined) throw new Error('nothing was sent');
      bytes = Math.max(bytes, text.length);
      await nextTurn();
    }
    pane.close();
    return what === 'bytes' ? bytes : median(took);
  } finally {
    await rooms.close();
  }
}

async function list(size: number): Promise<number> {
  const rooms = await roomsWith({ runners: size });
  try {
    const took: number[] = [];
    for (let n = 0; n < 5; n++) {
      const began = performance.now();
      const { runners } = listRunners(rooms)({}) as { readonly runners: readonly object[] };
      took.push(performance.now() - began);
      if (runners.length !== size) throw new Error(`${runners.length} runners`);
    }
    return median(took);
  } finally {
    await rooms.close();
  }
}

async function startRunners(size: number): Promise<number> {
  const rooms = createRooms();
  try {
    const block = await longestBlock(async () => {
      const up = ready(rooms, size);
      rooms.deploy('app', { minConcurrency: size, maxConcurrency: size });
      await up;
    });
    return block.cpuMs;
  } finally {
    await rooms.close();
  }
}

async function emptied(size: number, how: 'flush' | 'delete'): Promise<number> {
  const rooms = await roomsWith({ waiting: size });
  try {
    const block = await longestBlock(async () => {
      if (how === 'flush') await rooms.fleet.flush('closed');
      else {
        rooms.fleet.removeAlias('closed');
        while (rooms.fleet.queueSize('closed') > 0) await nextTurn();
        await rooms.queue.settled();
      }
    });
    if (rooms.fleet.queueSize('closed') > 0) throw new Error('some are left');
    return block.cpuMs;
  } finally {
    await rooms.close();
  }
}

async function load(size: number): Promise<number> {
  const rooms = createRooms();
  try {
    await submitAll(
      rooms,
      Array.from({ length: size }, () => requestFor('closed')),
    );
    const began = performance.now();
    const queue = createQueue({ store: rooms.store, clock: Date.now });
    rooms.deploy('closed', { maxConcurrency: 0 });
    await inSlices(queue.unfinished(), ({ request, attempts }) => rooms.fleet.enqueue(infoOf(request, attempts)));
    const took = performance.now() - began;
    if (rooms.fleet.queueSize('closed') !== size) throw new Error('some are missing');
    return (took * 1000) / size;
  } finally {
    await rooms.close();
  }
}

async function prune(size: number): Promise<number> {
  const rooms = createRooms();
  try {
    // Writes them as the queue does, but without a call for each.
    rooms.store.transaction(() => {
      const record = rooms.store.sql(
        'INSERT INTO requests (seq, id, alias, phase, completed_at, size, record, check_sum) VALUES (?, ?, ' +
          '?, 2, ?, 600, ?, 0)',
      );
      const result = rooms.store.sql('INSERT INTO results (seq, outcome, body, check_sum) VALUES (?, ?, ?, 0)');
      const input = rooms.store.sql('INSERT INTO inputs (seq, spec, body, check_sum) VALUES (?, ?, ?, 0)');
      const [text, body] = ['x'.repeat(300), Buffer.alloc(300)];
      for (let n = 1; n <= size; n++) {
        record.run(n, `id-${n}`, 'app', n <= size / 10 ? 0 : Date.now(), text);
        result.run(n, text, body);
        input.run(n, text, body);
      }
    });
    // Otherwise the first step pays for the log that filling the queue produces.
    rooms.store.sql('PRAGMA wal_checkpoint(TRUNCATE)').all();
    let dropped = 0;
    const block = await longestBlock(async () => {
      dropped = await rooms.queue.prune();
    });
    if (dropped !== Math.floor(size / 10)) throw new Error(`${dropped} were dropped`);
    return block.cpuMs;
  } finally {
    await rooms.close();
  }
}

async function submits(size: number, withWebhooks: boolean): Promise<number> {
  const rooms = createRooms();
  try {
    const webhooks = createWebhooks({
      store: rooms.store,
      queue: rooms.queue,
      signing: { headers: async () => ({}) },
      post: async () => ({ kind: 'delivered' }),
      clock: Date.now,
      later: () => () => undefined,
      onGivenUp: () => undefined,
      report: console.error,
    });
    let left = size;
    const began = performance.now();
    // Like 64 connections: each sends its next request when the previous one was accepted.
    const caller = async (): Promise<void> => {
      while (left-- > 0) {
        const request = { ...requestFor('closed'), webhook: withWebhooks ? 'https://example.com/hook' : null };
        await rooms.queue.submit(request, 'refuse', webhooks.expect(request));
      }
    };
    await Promise.all(Array.from({ length: 64 }, caller));
    const seconds = (performance.now() - began) / 1000;
    webhooks.close();
    return size / seconds;
  } finally {
    await rooms.close();
  }
}

/** Calls arrive and end while this many wait, with an open pane and the largest numbers of runners and apps. */
async function busy(size: number, runners: Sizes, apps: Sizes): Promise<number> {
  const rooms = await roomsWith({ waiting: size, runners: runners[2], apps: apps[2] });
  try {
    const feed = openPane(rooms);
    const pane = new Writable({ write: (_chunk, _encoding, done) => done() });
    const until = performance.now() + 3_000;
    let nextPush = performance.now();
    const block = await longestBlock(async () => {
      while (performance.now() < until) {
        const some = Array.from({ length: 16 }, (_, n) => requestFor(n % 4 === 0 ? `app-${n}` : 'app'));
        await Promise.all(some.map((request) => rooms.queue.submit(request)));
        for (const request of some) rooms.fleet.enqueue(infoOf(request, 0));
        if (performance.now() < nextPush) continue;
        nextPush += 100;
        pane.write(feed.next() ?? '');
      }
    });
    feed.close();
    return block.cpuMs;
  } finally {
    await rooms.close();
  }
}
