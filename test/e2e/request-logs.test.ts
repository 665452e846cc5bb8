import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logPageSchema } from '../../emulator/wire/log-lines.ts';
import { requestFactsSchema } from '../../emulator/wire/status.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** One request at a time, as is the default. */
const app = `
import concurrent.futures, os, subprocess, sys, threading, time
import fal

class Talker(fal.App, keep_alive=60, max_concurrency=1):
    machine_type = "XS"
    requirements = ["tqdm"]

    @fal.endpoint("/")
    def talk(self) -> dict:
        print("plain")
        thread = threading.Thread(target=lambda: print("thread"))
        thread.start()
        thread.join()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(print, ["pool-0", "pool-1"]))
        subprocess.run(["sh", "-c", "echo sub-out; echo sub-err >&2"], check=True)
        os.write(2, b"native\\n")
        return {}

    @fal.endpoint("/bar")
    def bar(self) -> dict:
        from tqdm import tqdm
        for _ in tqdm(range(60), desc="loading", mininterval=0):
            time.sleep(0.02)
        sys.stdout.write("and no newline")
        return {}

    @fal.endpoint("/failing")
    def fail(self) -> dict:
        print("before it failed")
        raise RuntimeError("seen by the runner alone")

    @fal.endpoint("/tail")
    def tail(self) -> dict:
        # On a worker thread; the server's own line about the request follows on another one.
        print("cut off", end="")
        return {}
`;

let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'app.py': app });
  await project.mustFal('deploy', 'app.py::Talker', '--app-name', 'talker');
}, 300_000);
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

/** Calls an endpoint through the queue and prints the lines of the request. */
const program = `
import json, sys, fal_client
handle = fal_client.submit("local/talker", {}, path=sys.argv[1])
lines = []
for status in handle.iter_events(with_logs=True, interval=0.05):
    lines = [entry["message"] for entry in getattr(status, "logs", None) or []] or lines
print(json.dumps(lines))
`;

describe('the log of a request', () => {
  it('contains the output of threads, pools, child processes and native code', async () => {
    expect(await project.pythonJson(program, '/')).toEqual(
      expect.arrayContaining(['plain', 'thread', 'pool-0', 'pool-1', 'sub-out', 'sub-err', 'native']),
    );
  });

  it('contains a progress bar once, in its final state', async () => {
    const lines = (await project.pythonJson(program, '/bar')) as string[];
    expect(lines.filter((line) => line.includes('loading'))).toEqual([expect.stringContaining('60/60')]);
  });
});

describe('the traceback of an unhandled exception', () => {
  it("is in the runner's log and not in the request's, whose labels end before it is printed", async () => {
    const lines = (await project.pythonJson(program, '/failing')) as string[];
    expect(lines.filter((line) => /before it failed|seen by the runner/.test(line))).toEqual(['before it failed']);
    await until('the traceback is in the log', async () =>
      (await (await call(emulator, 'api', '/logs/?traceback=true')).text()).includes('seen by the runner alone'),
    );
  });
});

describe('text without a newline at the end of a request', () => {
  it('is in its log, although other threads write whole lines for it', async () => {
    expect(await project.pythonJson(program, '/tail')).toContain('cut off');
  });
});

describe('fal run', () => {
  it('shows a progress bar while it moves, and its end', async () => {
    const running = project.startFal('run', 'app.py::Talker');
    try {
      const url = /https:\/\/localhost:\d+\/local\/([0-9a-f-]{36})/;
      const id = await until('the app has a URL', async () => url.exec(running.output())?.[1]);
      await project.pythonJson(`
import fal_client
fal_client.run("local/${id}", {}, path="/bar")
print("null")`);
      await until('the end of the bar', async () => /loading: 100%.*60\/60/.test(running.output()) || undefined);
      const states = new Set(running.output().match(/loading: +\d+%/g));
      expect(states.size).toBeGreaterThan(2);
      // The request's end cuts it off.
      await until('the text without a newline', async () => running.output().includes('and no newline') || undefined);
    } finally {
      running.signal('SIGINT');
      await running.finished;
    }
  });
});

describe('the exception of a request', () => {
  const submit = `
import json, sys, fal_client
handle = fal_client.submit("local/talker", {}, path=sys.argv[1])
try: handle.get()
except Exception: pass
print(json.dumps(handle.request_id))
`;
  const get = async (path: string): Promise<unknown> => {
    const { ports, authorization } = emulator;
    return (await fetch(`http://127.0.0.1:${ports.api}${path}`, { headers: { authorization } })).json();
  };

  it('is in its facts with file and line, and a row of the log that the log of fal does not have', async () => {
    const id = String(await project.pythonJson(submit, '/failing'));
    const file = `${project.folder}/app.py`;
    const line = app.split('\n').findIndex((text) => text.includes('raise RuntimeError')) + 1;
    const raised = { type: 'RuntimeError', message: 'seen by the runner alone' };
    const facts = requestFactsSchema.parse(await get(`/minifal/requests/${id}`));
    expect(facts).toMatchObject({ status: 500, exception: { ...raised, file, line } });
    const { lines } = logPageSchema.parse(await get(`/minifal/logs?request=${id}`));
    expect(lines.map(({ message, exception }) => [message, exception?.type ?? null])).toEqual([
      ['before it failed', null],
      ['RuntimeError: seen by the runner alone', 'RuntimeError'],
    ]);
    expect(await get(`/logs/?request_id=${id}`)).toMatchObject([{ message: 'before it failed' }]);
  });
});
