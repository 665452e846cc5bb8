import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import type { Host } from '../support/http.ts';
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
/** Inputs that warm up the emulator before its memory is measured: they compile code and fill caches and pools. */
const warmUp = Math.ceil(total * 0.3);
const growthLimit = 0.1;
/** Finished requests that the queue keeps in memory. */
const remembered = 10_000;
/**
 * The runner opens a connection to the emulator on its own (SetMetadata), and one connection to the runner is kept for
 * the next call: both come and go.
 */
const ofRunner = 2;
/** From its first checkpoint on, SQLite keeps a descriptor of each store for the next one. */
const ofStores = 3;

/** Echoes, streams, speaks realtime, and reports the data that a runner has. */
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
  bed = {
    ports: emulator.ports,
    ca: await readFile(join(emulator.dataDir, 'tls', 'ca.crt'), 'utf8'),
    key: emulator.variables.FAL_KEY ?? '',
    app: '',
    runnerId: '',
    token: '',
    receiver: receiver.url,
  };
  const { nickname } = z.object({ nickname: z.string() }).parse(await ask('api', 'GET', '/users/current'));
  bed = { ...bed, app: `${nickname}/fuzzed` };
  const runner = z.object({ id: z.string(), token: z.string() }).parse(await ask('run', 'POST', '/{app}/runner', '{}'));
  bed = { ...bed, runnerId: runner.id, token: runner.token };
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
    if (process.env.MINIFAL_SLOW) {
      await fillCaches();
      await exchange(bed, neverAnswers);
    }
    let base: { readonly memory: number; readonly sockets: number; readonly others: number } | undefined;
    for (let done = 0; done < total; done += batchSize) {
      // Each batch has its own seed, so that ten thousand inputs are never in memory at the same time.
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

    /** Memory and open files when idle: retried webhooks occasionally open a connection. */
    async function settled() {
      let lowest = openFiles(emulator.pid);
      const seen = performance.now();
      await until(
        `no more sockets and files are open than after the warm-up: ${JSON.stringify(base)}`,
        () => {
          const now = openFiles(emulator.pid);
          if (now.sockets <= lowest.sockets && now.others <= lowest.others) lowest = now;
          if (base) return lowest.sockets <= base.sockets + ofRunner && lowest.others <= base.others + ofStores;
          return performance.now() - seen > 2_000;
        },
        { timeoutMs: 60_000 },
      );
      return { memory: await collector.memory(), ...lowest };
    }
  });
});

/** Plays a batch, several inputs at a time, and checks each exchange against the laws. */
async function playAll(batch: readonly Input[], first: number): Promise<void> {
  const failures: string[] = [];
  const waiting = batch.entries();
  const worker = async (): Promise<void> => {
    for (const [place, input] of waiting) {
      const because = await play(input).then(wrongIn, (error: Error) => error.message);
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

/** Forbidden answers: an internal error, or internals of the program. */
function wrongIn(answer: string): string | undefined {
  const [head = ''] = answer.split('\r\n\r\n', 1);
  // An app may fail in any way; the header with its runner identifies such an answer.
  const byApp = /^x-fal-served-from:/im.test(head) && !/^x-fal-error-type:/im.test(head);
  if (/^HTTP\/1\.1 500 /.test(answer) && !byApp) return `answered ${answer.slice(0, 500)}`;
  // The library also uses INTERNAL for input that isn't gRPC, and UNKNOWN for a handler that threw.
  const bug =
    /internal_error|minifal failed|Internal error in|gateway failed|node:internal|\n\s+at \S+ \(|^grpc-status 2:/;
  return bug.test(answer) && !byApp ? `answered ${answer.slice(0, 500)}` : undefined;
}

function shown(input: Input): string {
  return JSON.stringify(input)
    .replace(/(..?)\1{30,}/g, (run, part: string) => `${part}[× ${run.length / part.length}]`)
    .slice(0, 2_000);
}

/** As many requests as the queue keeps in memory, so that later ones replace earlier ones. */
async function fillCaches(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let left = remembered;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await post();
  };
  const post = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = '{"number": 1}';
      const headers = {
        authorization: emulator.authorization,
        'content-type': 'application/json',
        'content-length': body.length,
      };
      const sent = request({ agent, port: bed.ports.queue, path: `/${bed.app}`, method: 'POST', headers });
      sent.on('response', (response) => response.resume().on('end', resolve)).on('error', reject);
      sent.end(body);
    });
  await Promise.all(Array.from({ length: atOnce }, worker));
  agent.destroy();
  await until(
    'all of them are done',
    async () => z.object({ size: z.number() }).parse(await ask('api', 'GET', '/applications/{app}/queue')).size === 0,
    { timeoutMs: 600_000 },
  );
}

/** The bugs that the emulator reports. */
async function reportedBugs(): Promise<readonly string[]> {
  const log = await readFile(join(emulator.dataDir, 'emulator.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes('"level":"error"'));
}

/** The same process still serves all four hosts. */
async function expectWell(): Promise<void> {
  expect(await ask('api', 'GET', '/minifal/status'), emulator.logText()).toMatchObject({ pid: emulator.pid });
  expect(await ask('run', 'POST', '/{app}', '{"number": 1}')).toEqual({ number: 1 });
  const { request_id: id } = z
    .object({ request_id: z.string() })
    .parse(await ask('queue', 'POST', '/{app}', '{"number": 2}'));
  await until('a queued request is done', async () => {
    const status = await ask('queue', 'GET', `/{app}/requests/${id}/status`);
    return z.object({ status: z.string() }).parse(status).status === 'COMPLETED';
  });
  expect(await ask('queue', 'GET', `/{app}/requests/${id}`)).toEqual({ number: 2 });
  expect(await ask('ws', 'POST', '/{app}', '{}')).toEqual({ detail: expect.stringContaining('websocket') });
  const listKeys = { tls: false, path: '/controller.IsolateController/ListUserKeys', headers: {} };
  expect(await callGrpc(bed, { ...listKeys, pieces: ['\0\0\0\0\0'], pauseMs: 0, ending: 'end' })).toMatch(
    /^grpc-status 0:/,
  );
}

/**
 * Sends a well-formed request on a separate connection, because a pool would hold connections that the emulator counts.
 * Returns the JSON of the answer.
 */
async function ask(host: Host, method: string, path: string, body = ''): Promise<unknown> {
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost:{port}',
    'Authorization: Key {key}',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Connection: close',
    '',
    body,
  ];
  const answer = await exchange(bed, { host, tls: false, pieces: [head.join('\r\n')], pauseMs: 0, ending: 'close' });
  const start = answer.indexOf('\r\n\r\n') + 4;
  const isChunked = /^transfer-encoding: chunked\r$/im.test(answer.slice(0, start));
  return JSON.parse(isChunked ? unchunked(answer.slice(start)) : answer.slice(start));
}

/** RFC 9112 §7.1, without trailers. All answers here are ASCII. */
function unchunked(body: string): string {
  let text = '';
  for (let rest = body; ; ) {
    const [line = ''] = rest.split('\r\n', 1);
    const size = Number.parseInt(line, 16);
    if (!(size > 0)) return text;
    text += rest.slice(line.length + 2, line.length + 2 + size);
    rest = rest.slice(line.length + 2 + size + 2);
  }
}

function mebibytes(bytes: number | undefined): string {
  return ((bytes ?? 0) / 1024 ** 2).toFixed(1);
}
