import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { createProject, echoApp, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const functions = `
import fal


@fal.function(machine_type="XS")
def answer():
    print("the answer is", 6 * 7)
    return 42


@fal.function(machine_type="XS")
def broken():
    raise ValueError("wrong on purpose")


@fal.function(machine_type="XS")
def add(a, b):
    return a + b
`;

let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'echo.py': echoApp, 'functions.py': functions });
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

/** Without a key, because `fal run` makes public apps. */
async function callEphemeral(url: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ number: 5 }),
  });
}

describe('fal run', () => {
  it('serves an app at an address of its own until Ctrl-C', async () => {
    const running = project.startFal('run', 'echo.py::Echo');
    const path = await until(
      'its address is printed',
      () => {
        const match = new RegExp(`//localhost:${emulator.ports.run}(/[\\w-]+/[\\w-]+)`).exec(running.output());
        return match?.[1];
      },
      { timeoutMs: 60_000 },
    );
    const url = `http://localhost:${emulator.ports.run}${path}`;
    const response = await callEphemeral(url);
    expect([response.status, await response.json()]).toEqual([200, { number: 5 }]);
    await until('its line reaches the terminal', () => running.output().includes('echo 5'));

    running.signal('SIGINT');
    await running.finished;
    await until('the address is gone', async () => (await callEphemeral(url)).status === 404);
  });

  it('shows what a function prints', async () => {
    const { code, stdout } = await project.fal('run', 'functions.py::answer');
    expect(stdout).toContain('the answer is 42');
    expect(code).toBe(0);
  });

  it("shows a function's exception and fails", async () => {
    const { code, stdout, stderr } = await project.fal('run', 'functions.py::broken');
    expect(stdout + stderr).toContain('ValueError: wrong on purpose');
    expect(code).not.toBe(0);
  });
});

describe('calling an isolated function', () => {
  it('returns its value and raises its exception', async () => {
    const source = `
import json, functions
value = functions.add(2, b=3)
try:
    functions.broken()
except ValueError as error:
    print(json.dumps([value, str(error)]))
`;
    expect(await project.pythonJson(source)).toEqual([5, 'wrong on purpose']);
  });
});
