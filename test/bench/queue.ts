import { z } from 'zod';
import { type Bed, createBed } from './bed.ts';
import { type Answer, type Connection, openConnection, requestBytes } from './client.ts';
import { show, summarise } from './stats.ts';

const connections = 64;
const blockSize = 1_000;

const accepted = z.object({ request_id: z.string(), status: z.literal('IN_QUEUE') });

/**
 * Submits over real HTTP to an app that is still starting, so that only acceptance is measured. Then the app opens, and
 * every result is fetched and compared. Finally compares submit-to-result with a direct call, alternating. Goals: 5,000
 * durable submits per second on 2 cores; at most 5 ms more than a direct call.
 */
export async function benchQueue({ submits, rounds }: { readonly submits: number; readonly rounds: number }) {
  const bed = await createBed();
  try {
    await bed.deploy('echo', 'echo');
    const ids = await accept(bed, submits);
    await drain(bed, ids);
    await wholeWay(bed, rounds);
  } finally {
    await bed.stop();
  }
}

const bodyOf = (n: number) => ({ name: `request${n}` });
const resultOf = (n: number) => JSON.stringify(bodyOf(n));

/** Returns the request ids, by number. */
async function accept(bed: Bed, submits: number): Promise<readonly string[]> {
  const ids: string[] = [];
  const blockRates: number[] = [];
  let next = 0;
  let blockBegan = performance.now();
  const began = blockBegan;
  const cpuBefore = bed.cpuMs();
  await each(bed.emulator.ports.queue, async (connection) => {
    for (let n = next++; n < submits; n = next++) {
      const answer = await connection.exchange(submitBytes(bed, 'echo', n));
      ids[n] = requestId(answer);
      if (n % blockSize === blockSize - 1) {
        blockRates.push((blockSize * 1000) / (performance.now() - blockBegan));
        blockBegan = performance.now();
      }
    }
  });
  const seconds = (performance.now() - began) / 1000;
  const rate = submits / seconds;
  console.log(
    `  accepted durably        ${rate.toFixed(0)} submits/s over ${submits}, ${connections} connections; ` +
      `blocks of ${blockSize}: ${show(blockRates, 0)}`,
  );
  console.log(
    `                          goal: 5000/s  ${rate >= 5000 ? 'met' : 'MISSED'}; emulator's CPU per submit ` +
      `${((bed.cpuMs() - cpuBefore) / submits).toFixed(3)} ms`,
  );
  return ids;
}

/** Checks that all requests were performed and that each has its own answer. */
async function drain(bed: Bed, ids: readonly string[]): Promise<void> {
  const cpuBefore = bed.cpuMs();
  bed.openGate();
  const began = performance.now();
  let next = 0;
  await each(bed.emulator.ports.queue, async (connection) => {
    for (let n = next++; n < ids.length; n = next++) {
      const result = await resultWhenDone(bed, connection, ids[n] ?? '');
      if (result.status !== 200 || result.body !== resultOf(n))
        throw new Error(`wrong result of request ${n}: ${result.body}`);
    }
  });
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `  performed and fetched   ${(ids.length / seconds).toFixed(0)} requests/s (start of the runner ` +
      `included), every result right; emulator's CPU per request ` +
      `${((bed.cpuMs() - cpuBefore) / ids.length).toFixed(3)} ms`,
  );
}

/** One caller; the status stream reports the end, as in the SDK's streaming clients. */
async function wholeWay(bed: Bed, rounds: number): Promise<void> {
  const { run, queue } = bed.emulator.ports;
  const direct = await openConnection(run);
  const queued = await openConnection(queue);
  const times = { direct: [] as number[], queued: [] as number[] };
  for (let n = 0; n < rounds + 50; n++) {
    const request = requestBytes(
      'POST',
      `/${bed.owner}/echo`,
      { authorization: bed.emulator.authorization },
      bodyOf(n),
    )(run);
    const a = performance.now();
    const answer = await direct.exchange(request);
    const b = performance.now();
    const id = requestId(await queued.exchange(submitBytes(bed, 'echo', n)));
    const result = await resultWhenDone(bed, queued, id);
    const c = performance.now();
    if (answer.body !== resultOf(n) || result.body !== resultOf(n)) throw new Error(`wrong answer to request ${n}`);
    if (n < 50) continue;
    times.direct.push(b - a);
    times.queued.push(c - b);
  }
  direct.close();
  queued.close();
  const [d, q] = [summarise(times.direct), summarise(times.queued)];
  const more = q.median - d.median;
  console.log(
    `  direct call             median ${d.median.toFixed(2)} ms  p99 ${d.p99.toFixed(2)} ms  ` +
      `(${d.min.toFixed(2)} .. ${d.max.toFixed(2)})  n=${d.count}`,
  );
  console.log(
    `  submit to result        median ${q.median.toFixed(2)} ms  p99 ${q.p99.toFixed(2)} ms  ` +
      `(${q.min.toFixed(2)} .. ${q.max.toFixed(2)})`,
  );
  console.log(`                          +${more.toFixed(2)} ms  (goal: at most +5)  ${more <= 5 ? 'met' : 'MISSED'}`);
}

async function resultWhenDone(bed: Bed, connection: Connection, id: string): Promise<Answer> {
  const port = bed.emulator.ports.queue;
  const path = `/${bed.owner}/echo/requests/${id}`;
  const headers = { authorization: bed.emulator.authorization };
  const stream = await connection.exchange(requestBytes('GET', `${path}/status/stream`, headers)(port));
  if (!stream.body.includes('"COMPLETED"')) throw new Error(`the status stream of ${id} ended early: ${stream.body}`);
  return connection.exchange(requestBytes('GET', path, headers)(port));
}

function submitBytes(bed: Bed, alias: string, n: number): Buffer {
  const headers = { authorization: bed.emulator.authorization };
  return requestBytes('POST', `/${bed.owner}/${alias}`, headers, bodyOf(n))(bed.emulator.ports.queue);
}

function requestId({ status, body }: Answer): string {
  if (status !== 200) throw new Error(`not accepted: ${status} ${body}`);
  return accepted.parse(JSON.parse(body)).request_id;
}

async function each(port: number, work: (connection: Connection) => Promise<void>): Promise<void> {
  const all = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  await Promise.all(all.map(work));
  for (const connection of all) connection.close();
}
