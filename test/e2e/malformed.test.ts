import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { openCollector } from '../support/malformed/collector.ts';
import { type Bed, exchange, type SocketInput } from '../support/malformed/exchange.ts';
import { callGrpc, type GrpcInput, malformedGrpc } from '../support/malformed/grpc.ts';
import { malformedHttp } from '../support/malformed/http.ts';
import { malformedWebhook, neverAnswers, type Receiver, startHostileReceiver } from '../support/malformed/webhook.ts';
import { malformedWebsocket } from '../support/malformed/websocket.ts';
import { openFiles } from '../support/procfs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const total = Number(process.env.MINIFAL_MALFORMED_INPUTS ?? (process.env.MINIFAL_SLOW ? 10_000 : 500));
const seed = Number(process.env.MINIFAL_MALFORMED_SEED ?? Date.now() % 1_000_000);
const atOnce = 16;
const batchSize = 100;
/** Inputs that warm the emulator up before its memory is measured: code is compiled, caches and pools are filled. */
const warmUp = Math.ceil(total * 0.3);
const growthLimit = 0.1;

/** Echoes, streams, speaks realtime; and tells what a runner knows. */
const app = `
import os
import fal
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Input(BaseModel):
    number: int


class Output(BaseModel):
    number: int


class Fuzzed(fal.App, keep_alive=3600, max_concurrency=1, max_multiplexing=64):
    machine_type = "XS"

    @fal.endpoint("/")
    async def echo(self, input: Input) -> Output:
        return Output(number=input.number)

    @fal.endpoint("/stream")
    def stream(self, input: Input) -> StreamingResponse:
        return StreamingResponse((f"data: {n}\\n\\n" for n in range(3)), media_type="text/event-stream")

    @fal.endpoint("/runner")
    def runner(self) -> dict:
        return {"id": os.environ["FAL_JOB_ID"], "token": os.environ["ISOLATE_CONTROLLER_AUTH_KEY"]}

    @fal.realtime("/realtime")
    def realtime(self, input: Input) -> Output:
        return Output(number=input.number)
`;

let emulator: Emulator;
let project: Project;
let receiver: Receiver;
let bed: Bed;

beforeAll(async () => {
  emulator = await startEmulator({ env: { NODE_OPTIONS: '--inspect-port=0' } });
  project = await createProject(await pythonTools(), emulator, { 'app.py': app });
  receiver = await startHostileReceiver();
  await project.mustFal('deploy', 'app.py::Fuzzed', '--app-name', 'fuzzed');
  const account = await owner(emulator);
  const runner = z
    .object({ id: z.string(), token: z.string() })
    .parse(await (await call(emulator, 'run', `/${account}/fuzzed/runner`, { body: {} })).json());
  bed = {
    ports: emulator.ports,
    ca: await readFile(join(emulator.dataDir, 'tls', 'ca.crt'), 'utf8'),
    key: emulator.variables.FAL_KEY ?? '',
    app: `${account}/fuzzed`,
    runnerId: runner.id,
    token: runner.token,
    receiver: receiver.url,
  };
});
afterAll(async () => {
  receiver?.close();
  await project?.remove();
  await emulator?.stop();
});

type Input =
  | { readonly kind: 'http' | 'websocket' | 'webhook'; readonly socket: SocketInput }
  | ({ readonly kind: 'grpc' } & GrpcInput);

const inputs: fc.Arbitrary<Input> = fc.oneof(
  { arbitrary: malformedHttp.map((socket) => ({ kind: 'http' as const, socket })), weight: 5 },
  { arbitrary: malformedGrpc.map((input) => ({ kind: 'grpc' as const, ...input })), weight: 2 },
  { arbitrary: malformedWebsocket.map((socket) => ({ kind: 'websocket' as const, socket })), weight: 2 },
  { arbitrary: malformedWebhook.map((socket) => ({ kind: 'webhook' as const, socket })), weight: 1 },
);

describe('malformed HTTP, gRPC, websocket and webhook inputs', () => {
  it(`do no harm (${total} inputs, MINIFAL_MALFORMED_SEED=${seed})`, { timeout: 60_000 + total * 500 }, async () => {
    const counts = { http: 0, grpc: 0, websocket: 0, webhook: 0 };
    const began = performance.now();
    const collector = await openCollector(emulator);
    const least = await leastSockets();
    if (process.env.MINIFAL_SLOW) await exchange(bed, neverAnswers);
    let base: { readonly memory: number; readonly sockets: number; readonly others: number } | undefined;
    for (let done = 0; done < total; done += batchSize) {
      // A batch has its own seed, so that ten thousand inputs are never in memory together.
      const batch = fc.sample(inputs, { numRuns: Math.min(batchSize, total - done), seed: seed + done });
      for (const { kind } of batch) counts[kind]++;
      await playAll(batch, done);
      await expectWell();
      if (base === undefined && done + batchSize >= warmUp) base = await settled();
    }
    const end = await settled();
    collector.close();

    const growth = end.memory / (base?.memory ?? 0) - 1;
    const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    console.log(
      `malformed inputs: ${kinds.join(', ')} in ${Math.round((performance.now() - began) / 1000)} s, seed ${seed}; ` +
        `webhooks called ${[...receiver.calls.values()].reduce((sum, one) => sum + one, 0)} times; ` +
        `memory ${mebibytes(base?.memory)} -> ${mebibytes(end.memory)} MiB (${(growth * 100).toFixed(1)} %), ` +
        `sockets ${base?.sockets} -> ${end.sockets}, other files ${base?.others} -> ${end.others}`,
    );
    expect(growth).toBeLessThanOrEqual(growthLimit);

    /** Memory and open files once nothing is under way. */
    async function settled() {
      const files = await until(
        `the sockets of the inputs are closed: ${least} were open before`,
        () => {
          const now = openFiles(emulator.pid);
          return now.sockets <= least && now.others <= (base?.others ?? now.others) && now;
        },
        { timeoutMs: 120_000 },
      );
      return { memory: await collector.memory(), ...files };
    }
  });
});

/** The least that are open in a while: the pool of this process's `fetch` keeps idle ones for four seconds. */
async function leastSockets(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + 5_000; performance.now() < end; await delay(100)) {
    least = Math.min(least, openFiles(emulator.pid).sockets);
  }
  return least;
}

/** Plays a batch, some at a time, and holds each to the laws that one exchange shows. */
async function playAll(batch: readonly Input[], first: number): Promise<void> {
  const failures: string[] = [];
  const waiting = batch.entries();
  const worker = async (): Promise<void> => {
    for (const [place, input] of waiting) {
      const t0 = performance.now();
      const because = await play(input).then(wrongIn, (error: Error) => error.message);
      if (performance.now() - t0 > 1500) console.log('SLOW', Math.round(performance.now() - t0), shown(input).slice(0, 900));
      if (because !== undefined) failures.push(`input ${first + place} of seed ${seed}: ${because}\n${shown(input)}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  failures.push(...(await reportedBugs()));
  expect(failures.join('\n\n')).toBe('');
}

function play(input: Input): Promise<string> {
  return 'call' in input ? callGrpc(bed, input.call) : exchange(bed, input.socket);
}

/** What no answer may be: our own failure, or the inside of our program. */
function wrongIn(answer: string): string | undefined {
  const [head = ''] = answer.split('\r\n\r\n', 1);
  // An app may fail as it likes; it is told by the runner that served.
  const byApp = /^x-fal-served-from:/im.test(head) && !/^x-fal-error-type:/im.test(head);
  if (/^HTTP\/1\.1 500 /.test(answer) && !byApp) return `answered ${answer.slice(0, 500)}`;
  // INTERNAL is also the library's own word for what isn't gRPC; UNKNOWN is its word for a handler that threw.
  const bug = /internal_error|minifal failed|gateway failed|node:internal|\n\s+at \S+ \(|^grpc-status 2:/;
  return bug.test(answer) && !byApp ? `answered ${answer.slice(0, 500)}` : undefined;
}

function shown(input: Input): string {
  return JSON.stringify(input)
    .replace(/(..?)\1{30,}/g, (run, part: string) => `${part}[× ${run.length / part.length}]`)
    .slice(0, 2_000);
}

/** What the emulator itself calls a bug. */
async function reportedBugs(): Promise<readonly string[]> {
  const log = await readFile(join(emulator.dataDir, 'emulator.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes('"level":"error"'));
}

/** The same process still serves all four hosts. */
async function expectWell(): Promise<void> {
  expect(() => process.kill(emulator.pid, 0), emulator.logText()).not.toThrow();
  const status = z.object({ pid: z.number() }).parse(await (await call(emulator, 'api', '/minifal/status')).json());
  expect(status.pid).toBe(emulator.pid);
  const echoed = await call(emulator, 'run', `/${bed.app}`, { body: { number: 1 } });
  expect([echoed.status, await echoed.json()]).toEqual([200, { number: 1 }]);
  const id = await submit(emulator, bed.app, { number: 2 });
  const stream = await call(emulator, 'queue', `/${bed.app}/requests/${id}/status/stream`);
  expect(await stream.text()).toContain('COMPLETED');
  const plain = await call(emulator, 'ws', `/${bed.app}`);
  expect([plain.status, await plain.text()]).toEqual([426, expect.stringContaining('websocket')]);
  const grpc = { tls: false, path: '/controller.IsolateController/ListUserKeys', headers: {}, pieces: ['\0\0\0\0\0'] };
  expect(await callGrpc(bed, { ...grpc, pauseMs: 0, ending: 'end' })).toMatch(/^grpc-status 0:/);
}

function mebibytes(bytes: number | undefined): string {
  return ((bytes ?? 0) / 1024 ** 2).toFixed(1);
}
