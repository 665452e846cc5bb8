import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { isMissing } from '../support/needs.ts';
import { freePortBlock } from '../support/ports.ts';
import { mustRun } from '../support/process.ts';
import { createProject, echoApp, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { until } from '../support/wait.ts';

// The environments of the app and of its runner must fit.
const disk = await mountSmallDisk(400);
const status = z.object({ status: z.string() });
const trouble = z.object({ pid: z.number(), trouble: z.string().nullable() });

describe.skipIf(isMissing(disk, 'a full disk: mounting a small one takes root'))(
  'an emulator whose disk is full',
  () => {
    // The body runs also where it is skipped.
    const { folder: dataDir, fill, free, remove } = disk ?? ({} as SmallDisk);
    let port: number;
    let emulator: Emulator;
    let project: Project;
    let app: string;
    let receiver: Server;
    let hook: string;
    const called: unknown[] = [];
    /** The accepted requests: their ids by the number that was sent. */
    const accepted = new Map<number, string>();

    beforeAll(async () => {
      receiver = createServer(async (request, response) => {
        called.push(JSON.parse(await text(request)));
        response.end();
      });
      receiver.listen(0, '127.0.0.1');
      await once(receiver, 'listening');
      hook = encodeURIComponent(`http://localhost:${(receiver.address() as AddressInfo).port}/`);
      port = await freePortBlock();
      emulator = await startEmulator({ dataDir, port });
      project = await createProject(await pythonTools(), emulator, { 'echo.py': echoApp });
      await project.mustFal('deploy', 'echo.py::Echo', '--app-name', 'echo');
      app = `${await owner(emulator)}/echo`;
      // A runner is ready, so that only the disk limits the requests.
      expect((await call(emulator, 'run', `/${app}`, { body: { number: 0 } })).status).toBe(200);
    });
    afterAll(async () => {
      await project?.remove();
      await emulator?.stop();
      receiver?.close();
      await remove();
    });

    it('refuses new requests with a sentence, keeps accepted ones, and completes them when there is room', async () => {
      for (let number = 1; number <= 4; number++) await accept(number, 3);
      accepted.set(99, (await submit(emulator, `${app}?fal_webhook=${hook}`, { number: 99, seconds: 3 })) ?? '');
      fill();
      // The write-ahead log may still have space; every accepted request counts.
      let number = 100;
      for (const pad of ['x'.repeat(200_000), '']) {
        while (await accept(number++, 1, pad)) expect(number).toBeLessThan(1_000);
      }

      const refused = await call(emulator, 'queue', `/${app}`, { body: { number: 0 } });
      expect(refused.status).toBe(500);
      expect(refused.headers.get('x-fal-error-type')).toBe('internal_error');
      expect(await refused.json()).toEqual({
        error_type: 'internal_error',
        detail: expect.stringMatching(/^The disk is full: .+ Free some space/),
      });
      expect(await ownStatus()).toEqual({ pid: emulator.pid, trouble: expect.stringContaining('The disk is full') });
      expect(await minifalStatus()).toContain('The disk is full');
      expect(emulator.logText()).toContain('The disk is full');
      // Operations without disk writes still work.
      const direct = await call(emulator, 'run', `/${app}`, { body: { number: 7 } });
      expect([direct.status, await direct.json()]).toEqual([200, { number: 7 }]);
      const stored = await call(emulator, 'api', '/workflows/', { body: workflow });
      expect([stored.status, await stored.text()]).toEqual([507, expect.stringContaining('The disk is full')]);
      const secret = await project.fal('secrets', 'set', 'NAME=value');
      expect(secret.code).not.toBe(0);
      expect(secret.stdout + secret.stderr).toContain('The disk is full');

      // A direct call takes the same path as a queued attempt; by now, every attempt of an accepted request has ended.
      const phases = () => Promise.all([...accepted.values()].map(async (id) => (await statusOf(id)).status));
      await until('the runner is idle', async () => {
        const { runners } = z
          .object({ runners: z.array(z.object({ requests: z.array(z.string()), endedAt: z.number().nullable() })) })
          .parse(await (await call(emulator, 'api', '/minifal/status')).json());
        return runners.every(({ requests }) => requests.length === 0);
      });
      expect(await phases()).toContain('IN_PROGRESS');

      free();
      await until('there is no trouble any more', async () => (await ownStatus()).trouble === null);
      await until('every accepted request is completed', async () =>
        (await phases()).every((phase) => phase === 'COMPLETED'),
      );
      await expectResults();
      await until('the webhook is called', () => called.length > 0);
      expect(called).toMatchObject([{ request_id: accepted.get(99), status: 'OK', payload: { number: 99 } }]);
      expect(await minifalStatus()).not.toContain('disk');
      expect(emulator.logText()).toContain('The data folder is writable again');
      expect(await accept(500, 0)).toBe(true);
      const log = await readFile(join(dataDir, 'emulator.log'), 'utf8');
      expect(log).not.toContain('"level":"error"');
      expect(log.match(/"room":"disk".*/g)).toEqual([
        expect.stringContaining('The disk is full'),
        expect.stringContaining('is writable again'),
      ]);
      expect(emulator.logText()).not.toMatch(/bug/);
    });

    it('has lost nothing when it is killed and started again', async () => {
      await until(
        'the last one is completed',
        async () => (await statusOf(accepted.get(500) ?? '')).status === 'COMPLETED',
      );
      await emulator.kill('SIGKILL');
      emulator = await startEmulator({ dataDir, port });
      await expectResults();
    });

    async function accept(number: number, seconds: number, pad = ''): Promise<boolean> {
      const id = await submit(emulator, app, { number, seconds, pad });
      if (id) accepted.set(number, id);
      return id !== undefined;
    }

    async function statusOf(id: string) {
      return status.parse(await (await call(emulator, 'queue', `/${app}/requests/${id}/status`)).json());
    }

    async function expectResults(): Promise<void> {
      for (const [number, id] of accepted) {
        expect(await (await call(emulator, 'queue', `/${app}/requests/${id}`)).json()).toEqual({ number });
      }
    }

    async function ownStatus() {
      return trouble.parse(await (await call(emulator, 'api', '/minifal/status')).json());
    }

    const minifalStatus = () => mustRun(process.execPath, [minifalCommand, 'status', '--data', dataDir]);
  },
);

const workflow = {
  name: 'large',
  title: 'x'.repeat(50_000),
  contents: { name: 'large', schema: { input: {}, output: {} }, nodes: {}, output: {}, version: '0.1' },
  is_public: false,
};
