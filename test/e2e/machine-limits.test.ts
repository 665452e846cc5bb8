import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saysUsage } from '../../emulator/local/processes/usage.ts';
import { statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { isMissing } from '../support/needs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** Takes as much memory as asked for, and keeps it until it is ended or the next call. */
const source = `
import subprocess
import sys
import time

import fal
from pydantic import BaseModel

CHILD = "import time; held = b'x' * (600 << 20); print('child has it', flush=True); time.sleep(600)"


class Input(BaseModel):
    mib: int = 0
    in_child: bool = False


class Greedy(fal.App, keep_alive=600):
    machine_type = "XS"

    def setup(self):
        self.held = b""

    @fal.endpoint("/")
    def take(self, input: Input) -> dict:
        if input.in_child:
            subprocess.run([sys.executable, "-c", CHILD])
        self.held = b"x" * (input.mib << 20)
        time.sleep(0 if input.mib < 512 else 600)
        return {}
`;

const here: { emulator?: Emulator; project?: Project } = {};

afterAll(async () => {
  await here.project?.remove();
  await here.emulator?.stop();
});

/** The app deployed to a new emulator. */
async function deployTo(args: readonly string[]) {
  await here.project?.remove();
  await here.emulator?.stop();
  const emulator = await startEmulator({ args });
  here.emulator = emulator;
  const project = await createProject(await pythonTools(), emulator, { 'app.py': source });
  here.project = project;
  await project.mustFal('deploy', 'app.py::Greedy', '--app-name', 'greedy', '--strategy', 'recreate');
  const app = `${await owner(emulator)}/greedy`;
  const headers = { 'x-fal-no-retry': '1' };
  return {
    project,
    take: (body: object) => call(emulator, 'run', `/${app}`, { body, headers }),
    /** The result of a queued call. */
    async takeQueued(body: object): Promise<Response> {
      const path = `/${app}/requests/${await submit(emulator, app, body, headers)}`;
      await until('the request has ended', async () => {
        const { status } = z
          .object({ status: z.string() })
          .parse(await (await call(emulator, 'queue', `${path}/status`)).json());
        return status === 'COMPLETED';
      });
      return await call(emulator, 'queue', path);
    },
    status: async () => statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json()),
  };
}

describe.skipIf(isMissing(saysUsage(), 'the memory of runners: only Linux says what processes use'))(
  'a runner that uses more memory than its machine type has',
  () => {
    it('says so in its log, and keeps running', async () => {
      const { project, take, status } = await deployTo([]);
      expect((await take({ mib: 100 })).status).toBe(200);
      const [runner] = (await status()).runners;
      const logs = () => project.mustFal('runners', 'logs', runner?.id ?? '');
      expect(await logs()).not.toContain('This app uses');
      void take({ in_child: true }).catch(() => undefined);
      const log = await until('the log has the warning', async () => {
        const text = await logs();
        return text.includes('This app uses') && text;
      });
      expect(log).toMatch(/This app uses \d+ MB of memory; XS has 512 MB, and the cloud would have ended it\./);
      expect(log).toContain('Set machine_type = "S" (1 GB).');
      expect((await status()).runners.map(({ id }) => id)).toEqual([runner?.id]);
    });

    it('is ended if the limits are enforced, with its reason for every caller, and replaced', async () => {
      const { take, takeQueued, status } = await deployTo(['--machine-limits', 'enforce']);
      expect((await take({ mib: 100 })).status).toBe(200);
      const [runner] = (await status()).runners;
      for (const call of [take, takeQueued]) {
        const answer = await call({ mib: 700 });
        const sentence =
          /^The runner was ended before it answered\. Out of memory: it used \d+ MB, and XS has 512 MB\. /;
        const detail = expect.stringMatching(sentence);
        expect([answer.status, await answer.json()]).toEqual([503, { detail, error_type: 'runner_disconnected' }]);
      }
      const reason = await until('the runner has ended', async () => {
        return (await status()).runners.find(({ id }) => id === runner?.id)?.endReason ?? undefined;
      });
      expect(reason).toMatch(/^Out of memory: it used \d+ MB, and XS has 512 MB\. Set machine_type = "S" \(1 GB\)\.$/);
      expect((await take({ mib: 1 })).status).toBe(200);
    });
  },
);
