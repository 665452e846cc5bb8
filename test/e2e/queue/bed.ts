import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../../support/emulator.ts';
import { startFalServer } from '../../support/fal-server.ts';
import { type CallOptions, call, owner } from '../../support/http.ts';
import { createProject, type Project } from '../../support/project.ts';
import { pythonTools } from '../../support/python.ts';
import { openGate, scriptedApps } from '../../support/scripted-app.ts';
import { until } from '../../support/wait.ts';

const apps = {
  scripted: 'Scripted',
  one: 'One',
  many: 'Many',
  short: 'Short',
  skipping: 'Skipping',
  hinted: 'Hinted',
  hasty: 'Hasty',
};

export type App = keyof typeof apps;

// One emulator for all parts, set before the first test.
export let emulator: Emulator;
export let project: Project;
export let account: string;

beforeAll(async () => {
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
});

export const accepted = z.object({
  request_id: z.string(),
  gateway_request_id: z.string(),
  status: z.literal('IN_QUEUE'),
  queue_position: z.number(),
});

export const statusSchema = z.looseObject({
  status: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  queue_position: z.number().optional(),
  error: z.string().optional(),
  error_type: z.string().optional(),
});

/** A unique key per request, so that notes and gates of different requests never mix. */
let keys = 0;
export const freshKey = (): string => `key-${++keys}`;

export const queue = (path: string, options?: CallOptions) => call(emulator, 'queue', path, options);

export async function send(app: App, input: unknown, headers: { readonly [name: string]: string } = {}, query = '') {
  const response = await queue(`/${account}/${app}${query}`, { body: input, headers });
  expect(response.status).toBe(200);
  return accepted.parse(await response.json());
}

export async function statusOf(app: App, id: string) {
  return statusSchema.parse(await (await queue(`/${account}/${app}/requests/${id}/status`)).json());
}

export const resultOf = (app: App, id: string) => queue(`/${account}/${app}/requests/${id}`);

export async function reaches(app: App, id: string, word: z.infer<typeof statusSchema>['status']) {
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
export async function occupy(app: App, headers: { readonly [name: string]: string } = {}) {
  const key = freshKey();
  const { request_id: id } = await send(app, { key, steps: ['gate'] }, headers);
  await reaches(app, id, 'IN_PROGRESS');
  const release = () => openGate(emulator, key);
  // A test that fails earlier must not block the next ones.
  onTestFinished(release);
  return { id, key, release };
}
