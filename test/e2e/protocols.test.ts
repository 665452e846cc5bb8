import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { startFalServer } from '../support/fal-server.ts';
import { call, owner } from '../support/http.ts';
import { jsApp } from '../support/js-app.ts';
import { jsClient } from '../support/js-client.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { readmeCode } from '../support/readme.ts';
import { attemptsOf, openGate, scriptedApps } from '../support/scripted-app.ts';
import { until } from '../support/wait.ts';

/**
 * Protocols beyond plain requests (docs/platform/gateway.md#streams, #websockets), with the Python clients and the SDK;
 * and streams of workflows.
 */
let emulator: Emulator;
let project: Project;
let account: string;
let fal: ReturnType<typeof jsClient>;

beforeAll(async () => {
  emulator = await startEmulator();
  const tools = await pythonTools();
  project = await createProject(tools, emulator, { 'echo.py': jsApp, 'apps.py': scriptedApps });
  const line = startFalServer(tools, emulator.env, project.folder);
  for (const [file, name] of [
    ['echo.py::Js', 'echo'],
    ['apps.py::Many', 'many'],
  ] as const) {
    const { code, stderr } = await line.fal(['deploy', file, '--app-name', name]);
    expect(code, stderr).toBe(0);
  }
  line.close();
  account = await owner(emulator);
  fal = jsClient(emulator);
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

describe('the Python clients', () => {
  it('stream, talk in real time and over bare sockets, with tokens and with the key', async () => {
    const program = `
${readmeCode('fal_client.client.REST_URL', emulator)}
import asyncio, json, sys
app = sys.argv[1]

async def later():
    events = [event["number"] async for event in fal_client.stream_async(app, arguments={"number": 3})]
    async with fal_client.async_client.realtime(app) as connection:
        await connection.send({"number": 1})
        return [events, (await connection.recv())["number"]]

found = {"stream": [event["number"] for event in fal_client.stream(app, arguments={"number": 3})]}
for use_jwt in [True, False]:
    with fal_client.realtime(app, use_jwt=use_jwt) as connection:
        connection.send({"number": 2})
        connection.send({"number": 3})
        found[f"realtime {use_jwt}"] = [connection.recv()["number"], connection.recv()["number"]]
    with fal_client.sync_client.ws_connect(app, path="plain", use_jwt=use_jwt) as socket:
        socket.send('{"text": "%s"}' % ("x" * 3_000_000))
        found[f"socket {use_jwt}"] = len(json.loads(socket.recv())["echoed"]["text"])
found["async"] = asyncio.run(later())
print(json.dumps(found))
`;
    expect(await project.pythonJson(program, `${account}/echo`)).toEqual({
      stream: [0, 1, 2],
      'realtime True': [2, 3],
      'realtime False': [2, 3],
      'socket True': 3_000_000,
      'socket False': 3_000_000,
      async: [[0, 1, 2], 1],
    });
  });

  it('call apps over the ws host with the SDK, one after the other and pipelined; a workflow, too', async () => {
    await publish(
      'twice',
      { a: node('a', '$input.number', []), b: node('b', '$a.number', ['a']) },
      { number: '$b.number' },
    );
    const program = `
import json, sys
import fal.apps
app, workflow = sys.argv[1:]
found = []
with fal.apps.ws(app) as connection:
    for number in [1, 2, 3]:
        connection.send({"number": number})
    found += [json.loads(connection.recv()) for _ in range(3)]
    connection.send({"number": "x"})
    found.append(json.loads(connection.recv())["detail"][0]["loc"])
with fal.apps.ws(app, path="/stream") as connection:
    connection.send({"number": 2})
    found.append("".join(connection.stream()))
with fal.apps.ws(workflow) as connection:
    connection.send({"number": 4})
    found.append(json.loads(connection.recv()))
print(json.dumps(found))
`;
    expect(await project.pythonJson(program, `${account}/echo`, `workflows/${account}/twice`)).toEqual([
      { number: 1 },
      { number: 2 },
      { number: 3 },
      ['body', 'number'],
      'data: {"number": 0}\n\ndata: {"number": 1}\n\n',
      { number: 4 },
    ]);
  });
});

type Node = ReturnType<typeof node>;

function node(id: string, number: unknown, depends: readonly string[]) {
  return { type: 'run', id, depends, app: `${account}/echo`, input: { number } };
}

/** A node whose app performs the given steps. */
function scriptedNode(id: string, key: string, steps: readonly string[], depends: readonly string[] = []) {
  return { type: 'run', id, depends, app: `${account}/many`, input: { key, steps } };
}

async function publish(
  name: string,
  nodes: { readonly [id: string]: Node | ReturnType<typeof scriptedNode> },
  output: unknown,
) {
  const contents = { name, schema: { input: {}, output: {} }, nodes, output, version: '0.1' };
  const response = await call(emulator, 'api', '/workflows/', {
    body: { name, title: name, contents, is_public: false },
  });
  expect(response.status).toBe(201);
  return `workflows/${account}/${name}`;
}

const events = async (stream: AsyncIterable<unknown>) => {
  const all: unknown[] = [];
  for await (const event of stream) all.push(event);
  return all;
};

describe('a workflow', () => {
  it('streams the documented events to both clients, whose request ids can be looked up', async () => {
    const id = await publish(
      'chain',
      { a: node('a', '$input.number', ['input']), b: node('b', '$a.number', ['a']) },
      { number: '$b.number' },
    );
    const app_id = `${account}/echo`;
    const request_id = expect.stringMatching(/^[0-9a-f-]{36}$/);
    const expected = [
      { type: 'submit', node_id: 'a', app_id, request_id },
      { type: 'completion', node_id: 'a', app_id, output: { number: 5 } },
      { type: 'submit', node_id: 'b', app_id, request_id },
      { type: 'completion', node_id: 'b', app_id, output: { number: 5 } },
      { type: 'output', node_id: 'output', output: { number: 5 } },
    ];
    const stream = await fal.stream(id, { input: { number: 5 } });
    const seen = await events(stream);
    expect(seen).toEqual(expected);
    expect(await stream.done()).toEqual(expected.at(-1));
    const { request_id: nodeRequest } = z.looseObject({ request_id: z.string() }).parse(seen[0]);
    expect((await fal.queue.result(app_id, { requestId: nodeRequest })).data).toEqual({ number: 5 });

    const program = `
import json, sys
import fal_client
print(json.dumps(list(fal_client.stream(sys.argv[1], arguments={"number": 5}))))
`;
    expect(await project.pythonJson(program, id)).toEqual(expected);
  });

  it('reports which node failed, ends with its error, and cancels the others', async () => {
    const id = await publish(
      'failing',
      { good: scriptedNode('good', 'waits', ['gate']), bad: scriptedNode('bad', 'bad', ['418']) },
      {},
    );
    const seen = await events(await fal.stream(id, { input: {} }));
    const submitted = z.array(
      z.looseObject({ type: z.string(), node_id: z.string(), request_id: z.string().optional() }),
    );
    const requestOf = (name: string) =>
      submitted.parse(seen).find(({ type, node_id }) => type === 'submit' && node_id === name)?.request_id ?? '';
    expect(seen.at(-1)).toEqual({
      type: 'error',
      node_id: 'bad',
      message: `Error while fetching the result of the request ${requestOf('bad')}`,
      error: { status: 418, body: { attempt: 1, runner: expect.any(Number) } },
    });
    // Cancelled, but its app can't stop, and continues until its gate opens.
    await openGate(emulator, 'waits');
    await fal.queue.subscribeToStatus(`${account}/many`, { requestId: requestOf('good'), pollInterval: 50 });
    await expect(fal.subscribe(id, { input: {}, pollInterval: 50 })).rejects.toMatchObject({
      status: 418,
      body: { node_id: 'bad' },
    });
    // A workflow that can't begin is answered with its status, not with a stream.
    const refused = await call(emulator, 'run', `/${id}/stream`, { body: '{' });
    expect([refused.status, refused.headers.get('content-type')]).toEqual([422, 'application/json']);
  });

  it('is cancelled in progress, in the queue and by a caller that leaves its stream', async () => {
    const nodes = { a: { ...scriptedNode('a', 'work', []), app: `${account}/many/work` } };
    const id = await publish('long', nodes, '$a');
    const working = (count: number) =>
      until(`${count} nodes work`, async () => (await attemptsOf(emulator, 'work')).length === count);
    const cancelled = (count: number) =>
      until(`${count} nodes are cancelled`, async () => (await attemptsOf(emulator, 'cancels')).length === count);

    const { request_id: requestId } = await fal.queue.submit(id, { input: {} });
    await working(1);
    expect(await fal.queue.status(id, { requestId })).toMatchObject({ status: 'IN_PROGRESS' });
    await fal.queue.cancel(id, { requestId });
    await cancelled(1);
    await fal.queue.subscribeToStatus(id, { requestId, pollInterval: 50 });
    await expect(fal.queue.result(id, { requestId })).rejects.toMatchObject({
      status: 499,
      body: { error_type: 'client_cancelled' },
    });

    const stream = await fal.stream(id, { input: {} });
    await working(2);
    stream.abort();
    await cancelled(2);
  });

  it('that isn’t published is sent in the request: streamed, direct, and through the queue', async () => {
    const workflow = {
      input: { id: 'input', type: 'input', depends: [], input: { number: 0 } },
      node_1: node('node_1', '$input.number', ['input']),
      output: { id: 'output', type: 'display', depends: ['node_1'], fields: { shown: '$node_1.number' } },
    };
    const input = { input: { number: 6 }, workflow };
    const stream = await fal.stream('workflows/execute', { input });
    expect((await events(stream)).map((event) => z.looseObject({ type: z.string() }).parse(event).type)).toEqual([
      'submit',
      'completion',
      'output',
    ]);
    expect(await stream.done()).toMatchObject({ output: { shown: 6 } });
    expect((await fal.run('workflows/execute', { input })).data).toEqual({ shown: 6 });
    // The JS client treats `execute` as an owner and requests `workflows/execute/undefined/requests/…`.
    const subscribed = await fal.subscribe('workflows/execute', { input, pollInterval: 50 });
    expect(subscribed.data).toEqual({ shown: 6 });
    const strange = await call(emulator, 'run', '/workflows/execute', { body: input, headers: { authorization: '' } });
    expect(strange.status).toBe(401);
  });
});

describe('a bare websocket', () => {
  it('that offers compression is served without it', async () => {
    const socket = new WebSocket(`ws://localhost:${emulator.ports.run}/${account}/echo/plain`, {
      headers: { authorization: emulator.authorization },
      perMessageDeflate: true,
    });
    const answer = new Promise((resolve) => socket.on('message', (data) => resolve(String(data))));
    socket.on('open', () => socket.send('{"a":1}'));
    expect(await answer).toBe('{"echoed": {"a": 1}}');
    expect(socket.extensions).toBe('');
    socket.close();
  });
});
