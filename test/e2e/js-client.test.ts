import { type QueueStatus, fal as shared, ValidationError } from '@fal-ai/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { jsApp } from '../support/js-app.ts';
import { jsClient } from '../support/js-client.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { readmeCode } from '../support/readme.ts';
import { until } from '../support/wait.ts';

let emulator: Emulator;
let project: Project;
let endpoint: string;
let fal: ReturnType<typeof jsClient>;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'js.py': jsApp });
  await project.mustFal('deploy', 'js.py::Js', '--app-name', 'js');
  endpoint = `${await owner(emulator)}/js`;
  fal = jsClient(emulator);
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

describe('@fal-ai/client', () => {
  it('runs an app, and returns the request’s id', async () => {
    const { data, requestId } = await fal.run(endpoint, { input: { number: 1 } });
    expect(data).toEqual({ number: 1 });
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('calls a path with spaces and non-ASCII letters, as without a proxy', async () => {
    const { data } = await fal.run(`${endpoint}/named/gr\u00fcn 1`, { input: {} });
    expect(data).toEqual({ name: 'gr\u00fcn 1' });
  });

  it.each(['polling', 'streaming'] as const)('subscribes by %s, with the lines of its request', async (mode) => {
    const updates: QueueStatus[] = [];
    const { data } = await fal.subscribe(endpoint, {
      input: { number: 2, seconds: 0.3 },
      mode,
      logs: true,
      ...(mode === 'polling' ? { pollInterval: 50 } : {}),
      onQueueUpdate: (update: QueueStatus) => void updates.push(update),
    });
    expect(data).toEqual({ number: 2 });
    const words = updates.map(({ status }) => status);
    expect(words.at(-1)).toBe('COMPLETED');
    expect(words).toContain('IN_PROGRESS');
    const last = updates.at(-1);
    expect(last && 'logs' in last ? last.logs.map(({ message }) => message) : []).toContain('echo 2');
  });

  it('submits, gets the status, and fetches the result later', async () => {
    const {
      request_id: requestId,
      status,
      response_url: url,
    } = await fal.queue.submit(endpoint, {
      input: { number: 3 },
      priority: 'low',
    });
    expect(status).toBe('IN_QUEUE');
    // It points to the queue host, like the cloud's URLs behind a proxy.
    expect(url).toBe(`http://localhost:${emulator.ports.queue}/${endpoint}/requests/${requestId}`);
    await fal.queue.subscribeToStatus(endpoint, { requestId, pollInterval: 50 });
    expect((await fal.queue.status(endpoint, { requestId })).status).toBe('COMPLETED');
    expect((await fal.queue.result(endpoint, { requestId })).data).toEqual({ number: 3 });
  });

  it('cancels a request', async () => {
    const { request_id: requestId } = await fal.queue.submit(endpoint, { input: { number: 4, seconds: 0.5 } });
    await fal.queue.cancel(endpoint, { requestId });
    const { status } = await fal.queue.subscribeToStatus(endpoint, { requestId, pollInterval: 50 });
    expect(status).toBe('COMPLETED');
    await expect(fal.queue.cancel(endpoint, { requestId })).rejects.toMatchObject({ status: 400 });
  });

  it('streams, event by event', async () => {
    const stream = await fal.stream(endpoint, { input: { number: 3 } });
    const events: unknown[] = [];
    for await (const event of stream) events.push(event);
    expect(events).toEqual([{ number: 0 }, { number: 1 }, { number: 2 }]);
    expect(await stream.done()).toEqual({ number: 2 });
  });

  describe('with the lines of README.md for calls that bypass every proxy', () => {
    const real = { WebSocket: globalThis.WebSocket, key: process.env.FAL_KEY };
    const dialled: string[] = [];
    beforeAll(() => {
      globalThis.WebSocket = class extends real.WebSocket {
        constructor(...[url, protocols]: ConstructorParameters<typeof real.WebSocket>) {
          dialled.push(String(url));
          super(url, protocols);
        }
      };
      process.env.FAL_KEY = emulator.variables.FAL_KEY;
      new Function('fal', readmeCode('class extends WebSocket', emulator))(shared);
    });
    afterAll(() => {
      globalThis.WebSocket = real.WebSocket;
      if (real.key === undefined) delete process.env.FAL_KEY;
      else process.env.FAL_KEY = real.key;
    });

    it('talks in real time, with a token that it created itself', async () => {
      const results: unknown[] = [];
      const connection = shared.realtime.connect(endpoint, {
        connectionKey: 'test',
        throttleInterval: 0,
        onResult: (result: unknown) => void results.push(result),
        onError: (error) => void results.push(error),
      });
      connection.send({ number: 7 });
      await until('the first answer comes', () => results.length === 1, { timeoutMs: 60_000 });
      connection.send({ number: 8 });
      await until('the second answer comes', () => results.length === 2);
      connection.close();
      expect(results).toMatchObject([{ number: 7 }, { number: 8 }]);
      expect(dialled).toEqual([
        expect.stringMatching(`^ws://localhost:${emulator.ports.run}/${endpoint}/realtime\\?fal_jwt_token=.`),
      ]);
    });

    it('talks in real time with a token from its back end, and with text messages', async () => {
      const results: unknown[] = [];
      const asked: string[] = [];
      const connection = shared.realtime.connect(endpoint, {
        connectionKey: 'text',
        path: '/plain',
        tokenProvider: async (app) => {
          asked.push(app);
          const issued = await call(emulator, 'api', '/tokens/realtime', {
            body: { allowed_apps: [app], duration: 60 },
          });
          return z.object({ token: z.string() }).parse(await issued.json()).token;
        },
        encodeMessage: (message) => JSON.stringify(message),
        decodeMessage: (data) => JSON.parse(data),
        onResult: (result: unknown) => void results.push(result),
        onError: (error) => void results.push(error),
      });
      connection.send({ number: 9 });
      await until('the answer comes', () => results.length === 1);
      connection.close();
      expect(results).toEqual([{ echoed: { number: 9 } }]);
      expect(asked).toEqual([`${endpoint}/plain`]);
    });

    it('streams like a web page, with a token instead of a key', async () => {
      const stream = await shared.stream(endpoint, { input: { number: 2 }, connectionMode: 'client' });
      expect(await stream.done()).toEqual({ number: 1 });
    });
  });

  it('raises a ValidationError for invalid input, and an ApiError without a valid key', async () => {
    const wrong = fal.run(endpoint, { input: { number: 'x' } });
    await expect(wrong).rejects.toBeInstanceOf(ValidationError);
    await expect(wrong).rejects.toMatchObject({ fieldErrors: [{ loc: ['body', 'number'] }] });
    const stranger = jsClient(emulator, 'wrong:key');
    await expect(stranger.run(endpoint, { input: { number: 1 } })).rejects.toMatchObject({ status: 401 });
  });

  it('uploads a file that can be read again', async () => {
    const url = await fal.storage.upload(new Blob(['hello'], { type: 'text/plain' }));
    expect(await (await fetch(url)).text()).toBe('hello');
  });

  it('calls a workflow of two apps', async () => {
    const node = (id: string, number: unknown, depends: readonly string[]) => ({
      type: 'run',
      id,
      depends,
      app: endpoint,
      input: { number },
    });
    const contents = {
      name: 'chain',
      schema: { input: {}, output: {} },
      nodes: { a: node('a', '$input.number', ['input']), b: node('b', '$a.number', ['a']) },
      output: { number: '$b.number' },
      version: '0.1',
    };
    const body = { name: 'chain', title: 'Chain', contents, is_public: false };
    expect((await call(emulator, 'api', '/workflows/', { body })).status).toBe(201);
    const workflow = `workflows/${endpoint.split('/')[0]}/chain`;
    const { data } = await fal.subscribe(workflow, { input: { number: 9 }, pollInterval: 50 });
    expect(data).toEqual({ number: 9 });
    expect((await fal.run(workflow, { input: { number: 10 } })).data).toEqual({ number: 10 });
    const stream = await fal.stream(workflow, { input: { number: 11 } });
    const steps: string[] = [];
    for await (const event of stream) steps.push(`${event.type} ${event.node_id}`);
    expect(steps).toEqual(['submit a', 'completion a', 'submit b', 'completion b', 'output output']);
    expect(await stream.done()).toMatchObject({ type: 'output', output: { number: 11 } });
  });

  it('creates a token for a web page that opens only a stream of that app', async () => {
    const [, alias = ''] = endpoint.split('/');
    const issued = await call(emulator, 'api', '/tokens/', { body: { allowed_apps: [alias], token_expiration: 120 } });
    const token = String(await issued.json());
    const open = (path: string) =>
      fetch(`http://localhost:${emulator.ports.run}/${path}?fal_jwt_token=${encodeURIComponent(token)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"number": 1}',
      });
    const response = await open(`${endpoint}/stream`);
    expect(await response.text()).toContain('data: {"number": 0}');
    expect((await open(`workflows/${endpoint.split('/')[0]}/chain`)).status).toBe(401);
    const log = await project.mustFal('runners', 'list');
    expect(log + emulator.logText()).not.toContain(token);
  });

  it('is notified by webhook when a request is done', async () => {
    const { createServer } = await import('node:http');
    const { text } = await import('node:stream/consumers');
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      bodies.push(await text(request));
      response.end();
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    try {
      const { request_id } = await fal.queue.submit(endpoint, {
        input: { number: 5 },
        webhookUrl: `http://localhost:${port}/hook`,
      });
      await until('the webhook is called', () => bodies.length > 0);
      expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ request_id, status: 'OK', payload: { number: 5 } });
    } finally {
      server.close();
    }
  });
});
