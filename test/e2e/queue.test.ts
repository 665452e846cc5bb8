import { createHash, createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { createFalClient } from '@fal-ai/client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { startFalServer } from '../support/fal-server.ts';
import { type CallOptions, call, owner } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { attemptsOf, gateFile, openGate, scriptedApps } from '../support/scripted-app.ts';
import { until } from '../support/wait.ts';

/**
 * The queue as its callers see it (docs/platform/gateway.md#submit to #webhooks,
 * docs/platform/runners.md#queue-and-retries): real deploys, real clients, apps that their input scripts.
 */
const apps = {
  scripted: 'Scripted',
  one: 'One',
  many: 'Many',
  short: 'Short',
  skipping: 'Skipping',
  hinted: 'Hinted',
  hasty: 'Hasty',
};
type App = keyof typeof apps;

let emulator: Emulator;
let project: Project;
let account: string;
let receiver: Server;
/** Where the receiver listens. `/flaky` fails the first time, `/moved` redirects. */
let hooks: string;
/** The calls that the webhook receiver got, by request id. */
const webhookCalls = new Map<string, { readonly headers: IncomingHttpHeaders; readonly body: string }[]>();

beforeAll(async () => {
  receiver = createServer(async (request, response) => {
    const body = await text(request);
    const { request_id: id } = z.object({ request_id: z.string() }).parse(JSON.parse(body));
    const before = webhookCalls.get(id) ?? [];
    webhookCalls.set(id, [...before, { headers: request.headers, body }]);
    if (request.url === '/flaky' && before.length === 0) response.statusCode = 500;
    if (request.url === '/moved') response.writeHead(302, { location: '/' });
    response.end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  hooks = `http://localhost:${typeof address === 'object' ? address?.port : 0}`;

  emulator = await startEmulator();
  const tools = await pythonTools();
  project = await createProject(tools, emulator, { 'apps.py': scriptedApps });
  const line = startFalServer(tools, emulator.env, project.folder);
  for (const [name, className] of Object.entries(apps)) {
    const { code, stderr } = await line.fal(['deploy', `apps.py::${className}`, '--app-name', name]);
    expect(code, stderr).toBe(0);
  }
  line.close();
  account = await owner(emulator);
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  receiver?.close();
});

const accepted = z.object({
  request_id: z.string(),
  gateway_request_id: z.string(),
  status: z.literal('IN_QUEUE'),
  queue_position: z.number(),
});
const statusSchema = z.looseObject({
  status: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  queue_position: z.number().optional(),
  error: z.string().optional(),
  error_type: z.string().optional(),
});

const jsClient = () =>
  createFalClient({
    proxyUrl: { url: `http://localhost:${emulator.ports.api}/api/fal/proxy`, when: 'always' },
    credentials: emulator.variables.FAL_KEY ?? '',
  });

/** A unique key per request, so that notes and gates of different requests never mix. */
let keys = 0;
const freshKey = (): string => `key-${++keys}`;

const queue = (path: string, options?: CallOptions) => call(emulator, 'queue', path, options);

async function send(app: App, input: unknown, headers: { readonly [name: string]: string } = {}, query = '') {
  const response = await queue(`/${account}/${app}${query}`, { body: input, headers });
  expect(response.status).toBe(200);
  return accepted.parse(await response.json());
}

async function statusOf(app: App, id: string) {
  return statusSchema.parse(await (await queue(`/${account}/${app}/requests/${id}/status`)).json());
}

const resultOf = (app: App, id: string) => queue(`/${account}/${app}/requests/${id}`);

async function reaches(app: App, id: string, word: z.infer<typeof statusSchema>['status']) {
  return await until(
    `request ${id} is ${word}`,
    async () => {
      const status = await statusOf(app, id);
      return status.status === word && status;
    },
    { timeoutMs: 120_000 },
  );
}

/** Occupies the app's only slot until its gate opens. */
async function occupy(app: App, headers: { readonly [name: string]: string } = {}) {
  const key = freshKey();
  const { request_id: id } = await send(app, { key, steps: ['gate'] }, headers);
  await reaches(app, id, 'IN_PROGRESS');
  const release = () => openGate(emulator, key);
  // A test that fails earlier must not block the next ones.
  onTestFinished(release);
  return { id, key, release };
}

describe('a full app', () => {
  it('serves normal before low priority, first come first served, and reports the queue position', async () => {
    const blocker = await occupy('one');
    const low = { 'x-fal-queue-priority': 'low' };
    const first = freshKey();
    const sent = [];
    for (const [headers, position] of [
      [low, 0],
      [{}, 0],
      [low, 2],
      [{ 'x-fal-queue-priority': 'normal' }, 1],
    ] as const) {
      const { request_id: id, queue_position } = await send('one', { key: first }, headers);
      expect(queue_position).toBe(position);
      sent.push(id);
    }
    const [low1 = '', normal1 = '', low2 = '', normal2 = ''] = sent;
    expect(await Promise.all(sent.map(async (id) => (await statusOf('one', id)).queue_position))).toEqual([2, 0, 3, 1]);

    // Refused if more than n already wait, over all callers; accepted if exactly n do.
    const refused = await queue(`/${account}/one?fal_max_queue_length=3`, { body: { key: freshKey() } });
    expect([refused.status, await refused.json()]).toEqual([429, { detail: expect.stringContaining('4 requests') }]);
    const { request_id: last } = await send('one', { key: first }, {}, '?fal_max_queue_length=4');

    await blocker.release();
    await Promise.all([...sent, last].map((id) => reaches('one', id, 'COMPLETED')));
    const order = (await attemptsOf(emulator, first)).map(({ request }) => request);
    expect(order).toEqual([normal1, normal2, last, low1, low2]);
  });

  it('ends a request that can not start in time with 504, marked as the caller’s own limit', async () => {
    const blocker = await occupy('one');
    const key = freshKey();
    const { request_id: id } = await send('one', { key }, { 'x-fal-request-timeout': '0.5' });
    expect(await reaches('one', id, 'COMPLETED')).toMatchObject({ error_type: 'request_timeout' });
    const result = await resultOf('one', id);
    expect(result.status).toBe(504);
    expect(result.headers.get('x-fal-request-timeout-type')).toBe('user');
    expect(result.headers.get('x-fal-error-type')).toBe('request_timeout');
    expect(await result.json()).toMatchObject({ error_type: 'request_timeout' });
    // The limit also applies to direct calls, and doesn't affect the runner, which continues.
    const direct = await call(emulator, 'run', `/${account}/one`, {
      body: { key },
      headers: { 'x-fal-request-timeout': '0.3' },
    });
    expect([direct.status, direct.headers.get('x-fal-request-timeout-type')]).toEqual([504, 'user']);
    await blocker.release();
    await reaches('one', blocker.id, 'COMPLETED');
    expect(await (await resultOf('one', blocker.id)).json()).toMatchObject({ attempt: 1 });
    expect(await attemptsOf(emulator, key)).toEqual([]);
  });

  it('applies the start timeout of its code to its owner’s requests only', async () => {
    const key = freshKey();
    const nobody = { authorization: '' };
    // Not sent as its owner, because the first runner may take longer to start than the code allows.
    const blocker = await occupy('hasty', nobody);
    const { request_id: anybody } = await send('hasty', { key }, nobody);
    const { request_id: own } = await send('hasty', { key });
    expect(await reaches('hasty', own, 'COMPLETED')).toMatchObject({ error_type: 'request_timeout' });
    expect((await resultOf('hasty', own)).headers.get('x-fal-request-timeout-type')).toBe('user');
    await blocker.release();
    await reaches('hasty', anybody, 'COMPLETED');
    expect((await attemptsOf(emulator, key)).map(({ request }) => request)).toEqual([anybody]);
  });

  it('never runs a request that was cancelled while it waited', async () => {
    const blocker = await occupy('one');
    const key = freshKey();
    const { request_id: id } = await send('one', { key });
    const cancel = () => queue(`/${account}/one/requests/${id}/cancel`, { method: 'PUT' });
    const answer = await cancel();
    expect([answer.status, await answer.json()]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    expect(await reaches('one', id, 'COMPLETED')).toMatchObject({ error_type: 'client_cancelled' });
    const again = await cancel();
    expect([again.status, await again.json()]).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
    const result = await resultOf('one', id);
    expect([result.status, await result.json()]).toMatchObject([499, { error_type: 'client_cancelled' }]);
    await blocker.release();
    // The next request in the queue proves that the cancelled one's turn has passed.
    await reaches('one', (await send('one', { key: freshKey() })).request_id, 'COMPLETED');
    expect(await attemptsOf(emulator, key)).toEqual([]);
  });

  it('is reported by fal_client: priority, start timeout, client timeout, logs', async () => {
    const blocker = await occupy('one');
    const program = `
import json, pathlib, sys
import fal_client
app, key, release = sys.argv[1], sys.argv[2], sys.argv[3]
low = fal_client.submit(app, {"key": key}, priority="low")
normal = fal_client.submit(app, {"key": key})
positions = [low.status().position, normal.status().position]
try:
    fal_client.submit(app, {"key": "never"}, start_timeout=1.1).get()
    started = True
except fal_client.FalClientHTTPError as error:
    started = [error.status_code, error.error_type]
given_up = fal_client.client.FalClientTimeoutError
try:
    fal_client.subscribe(app, {"key": "never"}, client_timeout=1.5)
    waited = True
except given_up as error:
    waited = "gave up"
pathlib.Path(release).parent.mkdir(exist_ok=True)
open(release, "w").close()
lines = []
for event in normal.iter_events(with_logs=True):
    if isinstance(event, (fal_client.InProgress, fal_client.Completed)):
        lines = [line["message"] for line in event.logs or []]
print(json.dumps([positions, started, waited, normal.get()["attempt"], low.get()["attempt"], lines]))
`;
    const key = freshKey();
    const [positions, started, waited, normal, low, lines] = z
      .tuple([z.unknown(), z.unknown(), z.unknown(), z.number(), z.number(), z.array(z.string())])
      .parse(await project.pythonJson(program, `${account}/one`, key, gateFile(emulator, blocker.key)));
    expect(positions).toEqual([1, 0]);
    expect(started).toEqual([504, 'request_timeout']);
    expect(waited).toBe('gave up');
    expect([normal, low]).toEqual([1, 2]);
    expect(lines).toContain(`attempt 1 of ${key}: ok`);
    expect(await attemptsOf(emulator, 'never')).toEqual([]);
  });

  it('serves as many requests at once as its multiplexing allows, all on one runner', async () => {
    const key = freshKey();
    const sent = await Promise.all([1, 2, 3, 4, 5].map(() => send('many', { key, steps: ['gate'] })));
    await until('four are in progress', async () => (await attemptsOf(emulator, key)).length === 4);
    const words = await Promise.all(sent.map(async ({ request_id: id }) => (await statusOf('many', id)).status));
    expect(words.toSorted()).toEqual(['IN_PROGRESS', 'IN_PROGRESS', 'IN_PROGRESS', 'IN_PROGRESS', 'IN_QUEUE']);
    await openGate(emulator, key);
    await Promise.all(sent.map(({ request_id: id }) => reaches('many', id, 'COMPLETED')));
    expect(new Set((await attemptsOf(emulator, key)).map(({ runner }) => runner)).size).toBe(1);
  });
});

describe('a request in progress', () => {
  it('is cancelled on its own runner even if all slots are full, and the app answers 499', async () => {
    const key = freshKey();
    const ids = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const response = await queue(`/${account}/many/work`, { body: { key } });
        return accepted.parse(await response.json()).request_id;
      }),
    );
    await until('all four work', async () => (await attemptsOf(emulator, key)).length === 4);
    const runners = new Set((await attemptsOf(emulator, key)).map(({ runner }) => runner));
    for (const id of ids) {
      const answer = await queue(`/${account}/many/requests/${id}/cancel`, { method: 'PUT' });
      expect(answer.status).toBe(202);
      await reaches('many', id, 'COMPLETED');
      const result = await resultOf('many', id);
      expect([result.status, await result.json()]).toEqual([499, { detail: 'stopped as asked' }]);
    }
    const cancels = (await attemptsOf(emulator, 'cancels')).filter(({ request }) => ids.includes(request));
    expect(cancels.map(({ request }) => request)).toEqual(ids);
    expect(new Set(cancels.map(({ runner }) => runner))).toEqual(runners);
    // A clean cancel keeps the runner.
    const { request_id: next } = await send('many', { key: freshKey() });
    await reaches('many', next, 'COMPLETED');
    expect(await (await resultOf('many', next)).json()).toMatchObject({ runner: [...runners][0] });
  });

  it('is cancelled when a direct caller hangs up', async () => {
    const key = freshKey();
    const hangUp = new AbortController();
    const direct = jsClient().run(`${account}/many/work`, { input: { key }, abortSignal: hangUp.signal });
    const [attempt] = await until('it works', async () => {
      const attempts = await attemptsOf(emulator, key);
      return attempts.length === 1 && attempts;
    });
    hangUp.abort();
    await expect(direct).rejects.toThrow();
    await until('its app is reported', async () =>
      (await attemptsOf(emulator, 'cancels')).some(({ request }) => request === attempt?.request),
    );
  });

  it('that its app cannot cancel still delivers its result', async () => {
    const key = freshKey();
    const { request_id: id } = await send('many', { key, steps: ['gate'] });
    await reaches('many', id, 'IN_PROGRESS');
    expect((await queue(`/${account}/many/requests/${id}/cancel`, { method: 'PUT' })).status).toBe(202);
    await openGate(emulator, key);
    await reaches('many', id, 'COMPLETED');
    expect((await resultOf('many', id)).status).toBe(200);
  });

  it('beyond request_timeout is retried on another runner; a direct call gets 504', async () => {
    const key = freshKey();
    const { request_id: id } = await send('short', { key, steps: ['sleep', 'ok'] });
    const direct = await call(emulator, 'run', `/${account}/short`, { body: { key: freshKey(), steps: ['sleep'] } });
    expect([direct.status, await direct.json()]).toMatchObject([504, { error_type: 'request_timeout' }]);
    expect(direct.headers.get('x-fal-request-timeout-type')).toBeNull();
    await reaches('short', id, 'COMPLETED');
    expect((await resultOf('short', id)).status).toBe(200);
    expect(new Set((await attemptsOf(emulator, key)).map(({ runner }) => runner)).size).toBe(2);
  });

  it('whose runner is killed is retried on another runner', async () => {
    const key = freshKey();
    const { request_id: id } = await send('many', { key, steps: ['gate'] });
    const direct = call(emulator, 'run', `/${account}/many`, { body: { key, steps: ['gate'] } });
    await until('both are in progress', async () => (await attemptsOf(emulator, key)).length === 2);
    const listed = await project.mustFal('apps', 'runners', 'many');
    const runner = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(listed)?.[0] ?? '';
    await project.mustFal('runners', 'kill', runner);
    // The platform never repeats a direct call.
    expect([(await direct).status, await (await direct).json()]).toMatchObject([
      503,
      { error_type: 'runner_disconnected' },
    ]);
    await openGate(emulator, key);
    await reaches('many', id, 'COMPLETED');
    expect((await resultOf('many', id)).status).toBe(200);
    const attempts = (await attemptsOf(emulator, key)).filter(({ request }) => request === id);
    expect(attempts).toHaveLength(2);
    expect(attempts[0]?.runner).not.toBe(attempts[1]?.runner);
  });

  it('is finished by its old runner after a redeploy; waiting requests go to the new revision', async () => {
    const old = await occupy('one');
    const key = freshKey();
    const { request_id: waiting } = await send('one', { key });
    await project.mustFal('deploy', 'apps.py::One', '--app-name', 'one');
    await reaches('one', waiting, 'COMPLETED');
    expect((await statusOf('one', old.id)).status).toBe('IN_PROGRESS');
    await old.release();
    await reaches('one', old.id, 'COMPLETED');
    expect((await resultOf('one', old.id)).status).toBe(200);
    const [before] = await attemptsOf(emulator, old.key);
    const [after] = await attemptsOf(emulator, key);
    expect(before?.runner).not.toBe(after?.runner);
  });

  it('between two attempts can be cancelled, and its start deadline can pass', async () => {
    const [cancelled, late] = [freshKey(), freshKey()];
    const { request_id: first } = await send('one', { key: cancelled, steps: ['503', 'ok'] });
    await until('it waits for its second attempt', async () => {
      return (
        (await attemptsOf(emulator, cancelled)).length === 1 && (await statusOf('one', first)).status === 'IN_QUEUE'
      );
    });
    expect((await queue(`/${account}/one/requests/${first}/cancel`, { method: 'PUT' })).status).toBe(202);
    expect(await reaches('one', first, 'COMPLETED')).toMatchObject({ error_type: 'client_cancelled' });

    // A runner is ready, so the first attempt starts immediately; the next one would start after 1 s.
    await reaches('one', (await send('one', { key: freshKey() })).request_id, 'COMPLETED');
    const { request_id: second } = await send(
      'one',
      { key: late, steps: ['503', 'ok'] },
      { 'x-fal-request-timeout': '0.9' },
    );
    expect(await reaches('one', second, 'COMPLETED')).toMatchObject({ error_type: 'request_timeout' });
    expect((await resultOf('one', second)).headers.get('x-fal-request-timeout-type')).toBe('user');
    expect(await attemptsOf(emulator, cancelled)).toHaveLength(1);
    expect(await attemptsOf(emulator, late)).toHaveLength(1);
  });

  it('shows IN_QUEUE between attempts, including in the status stream', async () => {
    const { request_id: id } = await send('scripted', { key: freshKey(), steps: ['503', 'ok'] });
    const response = await queue(`/${account}/scripted/requests/${id}/status/stream?logs=1`);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = (await response.text())
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => statusSchema.parse(JSON.parse(line.slice(6))));
    const words = events.map(({ status }) => status);
    expect(words.filter((word, at) => word !== words[at - 1])).toEqual([
      'IN_QUEUE',
      'IN_PROGRESS',
      'IN_QUEUE',
      'IN_PROGRESS',
      'COMPLETED',
    ]);
    const lines = events.flatMap(
      ({ logs }) =>
        z
          .array(z.object({ message: z.string() }))
          .nullish()
          .parse(logs) ?? [],
    );
    expect(lines.filter(({ message }) => message.startsWith('attempt'))).toHaveLength(2);
  });
});

/** docs/platform/runners.md#retries. `attempts`: the number of calls of the app, each on another runner. */
const retryTable: readonly {
  readonly steps: readonly string[];
  readonly app?: App;
  readonly headers?: { readonly [name: string]: string };
  readonly status: number;
  readonly attempts: number;
  /** The number of runners, if it isn't one per attempt. */
  readonly runners?: number;
  readonly type?: string;
}[] = [
  { steps: ['503', 'ok'], status: 200, attempts: 2 },
  { steps: ['504', 'ok'], status: 200, attempts: 2 },
  { steps: ['crash', 'ok'], status: 200, attempts: 2 },
  { steps: ['cut', 'ok'], status: 200, attempts: 2 },
  // If only one runner is allowed, a healthy runner is used again.
  { app: 'one', steps: ['504', 'ok'], status: 200, attempts: 2, runners: 1 },
  { app: 'one', steps: ['503 x-fal-stop-runner=false', 'ok'], status: 200, attempts: 2, runners: 1 },
  { steps: ['500', 'ok'], status: 500, attempts: 1 },
  { steps: ['raise', 'ok'], status: 500, attempts: 1 },
  { steps: ['cancelled', 'ok'], status: 500, attempts: 1 },
  { steps: ['502', 'ok'], status: 502, attempts: 1 },
  { steps: ['404', 'ok'], status: 404, attempts: 1 },
  { steps: ['429', 'ok'], status: 429, attempts: 1 },
  { steps: ['503 x-fal-needs-retry=0', 'ok'], status: 503, attempts: 1 },
  { steps: ['500 x-fal-needs-retry=1', 'ok'], status: 200, attempts: 2 },
  { steps: ['429 x-fal-needs-retry=true', 'ok'], status: 200, attempts: 2 },
  { steps: ['404 x-fal-needs-retry=1', 'ok'], status: 404, attempts: 1 },
  { steps: ['503', 'ok'], headers: { 'x-fal-no-retry': '1' }, status: 503, attempts: 1 },
  { steps: ['503 x-fal-needs-retry=1', 'ok'], headers: { 'x-fal-no-retry': 'yes' }, status: 503, attempts: 1 },
  { steps: ['503'], headers: config({ server_error: { retries: 2 } }), status: 503, attempts: 3 },
  { steps: ['503', 'ok'], headers: config({ server_error: { retries: 0 } }), status: 503, attempts: 1 },
  { steps: ['503', 'ok'], headers: config({ server_error: 0 }), status: 200, attempts: 2 },
  {
    steps: ['crash', 'ok'],
    headers: config({ connection_error: { retries: 0 } }),
    status: 503,
    attempts: 1,
    type: 'runner_disconnected',
  },
  {
    steps: ['cut', 'ok'],
    headers: config({ server_error: { retries: 0 } }),
    status: 502,
    attempts: 1,
    type: 'runner_incomplete_response',
  },
  { app: 'skipping', steps: ['sleep', 'ok'], status: 504, attempts: 1, type: 'request_timeout' },
  {
    app: 'skipping',
    steps: ['sleep', 'ok'],
    headers: config({ timeout: { retries: 1 } }),
    status: 200,
    attempts: 2,
  },
  { app: 'skipping', steps: ['503', '503', 'ok'], status: 503, attempts: 2 },
  {
    app: 'skipping',
    steps: ['503', '503', 'ok'],
    headers: config({ server_error: { retries: 2 } }),
    status: 200,
    attempts: 3,
  },
  { app: 'skipping', steps: ['503', '503 x-fal-needs-retry=1', 'ok'], status: 200, attempts: 3 },
];

function config(conditions: object): { readonly [name: string]: string } {
  return { 'x-fal-retry-config': JSON.stringify(conditions) };
}

describe('retries', () => {
  it('follow the whole table, each further attempt on another runner if one is allowed', async () => {
    // All at the same time, so that their back-off delays (1 s, doubling) overlap.
    const done = await Promise.all(
      retryTable.map(async ({ app = 'scripted', steps, headers }) => {
        const key = freshKey();
        const { request_id: id } = await send(app, { key, steps }, headers);
        const status = await reaches(app, id, 'COMPLETED');
        const result = await resultOf(app, id);
        await result.arrayBuffer();
        const attempts = await attemptsOf(emulator, key);
        expect(result.headers.has('x-fal-needs-retry')).toBe(
          steps.at(attempts.length - 1)?.includes('needs-retry') === true && [503, 429].includes(result.status),
        );
        return {
          app,
          steps,
          headers,
          status: result.status,
          attempts: attempts.length,
          type: status.error_type,
          sameId: attempts.every(({ request }) => request === id),
          runners: new Set(attempts.map(({ runner }) => runner)).size,
        };
      }),
    );
    expect(done).toEqual(
      retryTable.map(({ app = 'scripted', steps, headers, status, attempts, type, runners = attempts }) => {
        return { app, steps, headers, status, attempts, type, sameId: true, runners };
      }),
    );
  });

  it('are never made for direct calls, whose answer is the app’s', async () => {
    const key = freshKey();
    const response = await call(emulator, 'run', `/${account}/scripted`, { body: { key, steps: ['503', 'ok'] } });
    expect([response.status, await response.json()]).toMatchObject([503, { attempt: 1 }]);
    expect(await attemptsOf(emulator, key)).toHaveLength(1);
  });

  // Its back-off delays alone are 151 s.
  it.runIf(process.env.MINIFAL_SLOW)('end after ten attempts', async () => {
    const key = freshKey();
    const { request_id: id } = await send('scripted', { key, steps: ['503 x-fal-needs-retry=1'] });
    await until('it is done', async () => (await statusOf('scripted', id)).status === 'COMPLETED', {
      timeoutMs: 300_000,
    });
    expect((await resultOf('scripted', id)).status).toBe(503);
    expect(await attemptsOf(emulator, key)).toHaveLength(10);
  });
});

describe('a runner', () => {
  it('is ended when its answer requests that, whatever the answer’s status', async () => {
    const runner = z.object({ runner: z.number() });
    const one = async (step: string) => {
      const response = await call(emulator, 'run', `/${account}/one`, { body: { key: freshKey(), steps: [step] } });
      expect([response.status, response.headers.has('x-fal-stop-runner')]).toEqual([200, false]);
      return runner.parse(await response.json()).runner;
    };
    const first = await one('ok');
    expect(await one('ok x-fal-stop-runner=1')).toBe(first);
    expect(await one('ok')).not.toBe(first);
  });
});

describe('a webhook', () => {
  /** Verifies as the platform's documentation describes for receivers, using only the public key of the emulator. */
  async function isSigned({ headers, body }: { readonly headers: IncomingHttpHeaders; readonly body: string }) {
    const keySet = await (await fetch(`http://localhost:${emulator.ports.api}/.well-known/jwks.json`)).json();
    const [id, user, timestamp, signature] = ['request-id', 'user-id', 'timestamp', 'signature'].map((name) =>
      String(headers[`x-fal-webhook-${name}`]),
    );
    expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(300);
    const hash = createHash('sha256').update(body).digest('hex');
    const message = Buffer.from([id, user, timestamp, hash].join('\n'));
    return z
      .object({ keys: z.array(z.object({ x: z.string() })) })
      .parse(keySet)
      .keys.some(({ x }) => {
        const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
        return verify(null, message, key, Buffer.from(signature ?? '', 'hex'));
      });
  }

  it('is called once with the result or the error, with a valid signature', async () => {
    const cases = {
      ok: ['ok'],
      retried: ['503', 'ok'],
      failed: ['500'],
      text: ['text'],
    } as const;
    const calls = await Promise.all(
      Object.entries(cases).map(async ([name, steps]) => {
        const sent = await send(
          'scripted',
          { key: freshKey(), steps },
          {},
          `?fal_webhook=${encodeURIComponent(`${hooks}/`)}`,
        );
        expect(sent.gateway_request_id).toBe(sent.request_id);
        const [one] = await until('the webhook is called', () => webhookCalls.get(sent.request_id), {
          timeoutMs: 60_000,
        });
        if (!one) throw new Error('no call');
        expect(await isSigned(one)).toBe(true);
        expect(await isSigned({ ...one, body: one.body.replace('"', ' "') })).toBe(false);
        expect(one.headers['x-fal-webhook-request-id']).toBe(sent.request_id);
        const { request_id, gateway_request_id, ...rest } = z.looseObject({}).parse(JSON.parse(one.body));
        return [name, { ...rest, isFirstAttempt: gateway_request_id === request_id }] as const;
      }),
    );
    const runner = expect.any(Number);
    expect(Object.fromEntries(calls)).toEqual({
      ok: { status: 'OK', payload: { attempt: 1, runner }, isFirstAttempt: true },
      retried: { status: 'OK', payload: { attempt: 2, runner }, isFirstAttempt: false },
      failed: {
        status: 'ERROR',
        error: 'Invalid status code: 500',
        payload: { attempt: 1, runner },
        isFirstAttempt: true,
      },
      text: { status: 'OK', payload: null, payload_error: expect.any(String), isFirstAttempt: true },
    });
    for (const calls of webhookCalls.values()) expect(calls).toHaveLength(1);
  });

  it('that failed is called again after 5 s, unchanged but signed again; one that redirects is not', async () => {
    const to = (path: string) => `?fal_webhook=${encodeURIComponent(`${hooks}${path}`)}`;
    const { request_id: moved } = await send('scripted', { key: freshKey() }, {}, to('/moved'));
    const { request_id: flaky } = await send('scripted', { key: freshKey() }, {}, to('/flaky'));
    const [first, second] = await until(
      'it is called again',
      () => webhookCalls.get(flaky)?.length === 2 && webhookCalls.get(flaky),
      {
        timeoutMs: 60_000,
      },
    );
    if (!first || !second) throw new Error('no calls');
    expect(second.body).toBe(first.body);
    expect(await isSigned(second)).toBe(true);
    const at = (one: typeof first) => Number(one.headers['x-fal-webhook-timestamp']);
    expect(at(second) - at(first)).toBeGreaterThanOrEqual(4);
    expect(webhookCalls.get(moved)).toHaveLength(1);
  });

  it('can be requested by the JavaScript client, with priority and hint', async () => {
    const fal = jsClient();
    const { request_id: id } = await fal.queue.submit(`${account}/scripted`, {
      input: { key: freshKey() },
      webhookUrl: `${hooks}/`,
      priority: 'low',
      hint: 'some-hint',
    });
    await until('the webhook is called', () => webhookCalls.get(id));
    const { data, requestId } = await fal.queue.result(`${account}/scripted`, { requestId: id });
    expect([data, requestId]).toMatchObject([{ attempt: 1 }, id]);
  });
});

describe('hints', () => {
  it('route to the runner that announced them, queued and direct', async () => {
    const load = (key: string) => call(emulator, 'run', `/${account}/hinted/load`, { body: { key } });
    // Each request keeps its runner busy until both have arrived.
    const loading = Promise.all([load('red'), load('blue')]);
    await until('both runners work', async () => (await attemptsOf(emulator, 'loads')).length === 2, {
      timeoutMs: 60_000,
    });
    await openGate(emulator, 'hinted');
    const runner = z.object({ runner: z.number() });
    const [red, blue] = await Promise.all((await loading).map(async (one) => runner.parse(await one.json()).runner));
    expect(red).not.toBe(blue);
    for (const hint of ['red', 'blue', 'blue', 'red']) {
      const headers = { 'x-fal-runner-hint': hint };
      const { request_id: id } = await send('hinted', { key: freshKey() }, headers);
      await reaches('hinted', id, 'COMPLETED');
      const queued = runner.parse(await (await resultOf('hinted', id)).json()).runner;
      const response = await call(emulator, 'run', `/${account}/hinted`, { body: { key: freshKey() }, headers });
      expect(response.headers.get('x-fal-runner-hints')).toBe(hint);
      const direct = runner.parse(await response.json()).runner;
      expect([queued, direct]).toEqual(hint === 'red' ? [red, red] : [blue, blue]);
    }
  });
});

describe('a request to the queue', () => {
  it.each(['polling', 'streaming'] as const)(
    'shows by %s the lines that an app printed just before its answer',
    async (mode) => {
      const fal = jsClient();
      for (let round = 0; round < 20; round++) {
        const key = freshKey();
        const lines: string[] = [];
        await fal.subscribe(`${account}/many`, {
          input: { key },
          logs: true,
          mode,
          ...(mode === 'polling' ? { pollInterval: 5 } : {}),
          onQueueUpdate(update) {
            if ('logs' in update) lines.push(...update.logs.map(({ message }) => message));
          },
        });
        expect(lines).toContain(`attempt 1 of ${key}: ok`);
      }
    },
  );

  it('can be read again, and its input is deleted if the caller wants that', async () => {
    const [kept, forgotten] = [freshKey(), freshKey()];
    const { request_id: keptId } = await send('scripted', { key: kept });
    const { request_id: forgottenId } = await send('scripted', { key: forgotten }, { 'x-fal-store-io': '0' });
    await Promise.all([keptId, forgottenId].map((id) => reaches('scripted', id, 'COMPLETED')));
    for (const id of [keptId, forgottenId, keptId, forgottenId]) {
      const result = await resultOf('scripted', id);
      expect([result.status, await result.json()]).toMatchObject([200, { attempt: 1 }]);
    }
    const store = new DatabaseSync(join(emulator.dataDir, 'minifal.db'), { readOnly: true });
    const inputOf = store.prepare(
      'SELECT CAST(body AS TEXT) AS body FROM inputs JOIN requests USING (seq) WHERE requests.id = ?',
    );
    expect(inputOf.get(keptId)).toMatchObject({ body: JSON.stringify({ key: kept }) });
    expect(JSON.stringify(inputOf.get(forgottenId) ?? {})).not.toContain(forgotten);
    store.close();
  });

  it('is private: follow-up URLs need the key, and know only the ids of their own app', async () => {
    const { request_id: id } = await send('scripted', { key: freshKey() });
    await reaches('scripted', id, 'COMPLETED');
    const base = `/${account}/scripted/requests/${id}`;
    for (const [path, method] of [
      [base, 'GET'],
      [`${base}/status`, 'GET'],
      [`${base}/status/stream`, 'GET'],
      [`${base}/cancel`, 'PUT'],
    ] as const) {
      for (const authorization of ['', 'Key wrong:key']) {
        const refused = await queue(path, { method, headers: { authorization } });
        expect([path, refused.status]).toEqual([path, 401]);
        await refused.arrayBuffer();
      }
      const elsewhere = await queue(path.replace('/scripted/', '/one/'), { method });
      expect([path, elsewhere.status, await elsewhere.json()]).toEqual([path, 404, { status: 'NOT_FOUND' }]);
      const unknown = await queue(path.replace(id, '00000000-0000-4000-8000-000000000000'), { method });
      expect([path, unknown.status, await unknown.json()]).toEqual([path, 404, { status: 'NOT_FOUND' }]);
    }
  });
});
