import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { createProject, echoApp, lastJson, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';

let emulator: Emulator;
let project: Project;
let app: string;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'echo.py': echoApp });
  app = `${await owner(emulator)}/echo`;
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

const subscribe = `
import json, sys, fal_client
seen, logs = [], []
def update(status):
    name = type(status).__name__
    if name not in seen:
        seen.append(name)
    for entry in getattr(status, "logs", None) or []:
        if entry["message"] not in logs:
            logs.append(entry["message"])
result = fal_client.subscribe(sys.argv[1], {"number": 7, "seconds": 1}, with_logs=True, on_queue_update=update)
print(json.dumps({"seen": seen, "logs": logs, "result": result}))
`;

describe('an app deployed with the real fal command', () => {
  it('is accepted', async () => {
    const deployed = lastJson(await project.mustFal('deploy', 'echo.py::Echo', '--app-name', 'echo', '--json'));
    expect(deployed).toMatchObject({ app_name: 'echo', status: 'deployed' });
  });

  it('is listed with its settings', async () => {
    const { apps } = lastJson(await project.mustFal('apps', 'list', '--json'));
    expect(apps).toEqual([
      expect.objectContaining({
        alias: 'echo',
        auth_mode: 'private',
        keep_alive: 60,
        max_concurrency: 2,
        max_multiplexing: 4,
      }),
    ]);
  });

  it('answers fal_client.subscribe through the queue, with every status and its log lines', async () => {
    expect(await project.pythonJson(subscribe, app)).toEqual({
      seen: ['Queued', 'InProgress', 'Completed'],
      logs: expect.arrayContaining(['echo 7']),
      result: { number: 7 },
    });
  });

  it('answers a direct call', async () => {
    const response = await call(emulator, 'run', `/${app}`, { body: { number: 8 } });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ number: 8 });
    expect(response.headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('can be created from a template with its pyproject.toml', async () => {
    const hello = join(root, 'templates', 'hello');
    const output = await project.falIn(hello, 'deploy', 'hello', '--json');
    expect(lastJson(output)).toMatchObject({ app_name: 'hello', status: 'deployed' });
    const response = await call(emulator, 'run', `/${app.replace('/echo', '/hello')}`, { body: { name: 'Ada' } });
    expect(await response.json()).toEqual({ message: 'Hello, Ada!' });
  });

  it('is gone after fal apps delete', async () => {
    await project.mustFal('apps', 'delete', 'echo');
    expect(lastJson(await project.mustFal('apps', 'list', '--json'))).toEqual({
      apps: [expect.objectContaining({ alias: 'hello' })],
    });
    expect((await call(emulator, 'run', `/${app}`, { body: { number: 9 } })).status).toBe(404);
  });
});
