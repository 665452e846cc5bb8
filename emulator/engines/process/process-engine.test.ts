import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, RunnerAddress } from '../engine.ts';
import { watch } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { listeningAddresses, parentOf } from './testing/processes.ts';
import { plainPython, runnerSources, specFor, type WorkFolder, workFolder } from './testing/runners.ts';

/** Random, and not an address that a system or a person uses. */
const ownAddress =
  process.platform === 'linux' ? /^127\.(1[6-9]|[2-9]\d|1\d\d|2[0-4]\d|25[0-4])\.\d+\.\d+$/ : /^127\.0\.0\.1$|^::1$/;
let work: WorkFolder;
let engine: Engine;
const hostEnv = { ...process.env, PLANTED_CLOUD_KEY: 'planted' };

beforeAll(() => {
  work = workFolder();
  engine = createProcessEngine({ dataDir: work.root, runnerSources, hostEnv });
});
afterAll(async () => {
  await engine.close();
  work.remove();
});

const handles: { kill(): void }[] = [];
afterEach(() => {
  for (const handle of handles.splice(0)) handle.kill();
});

function start(...args: Parameters<typeof specFor> extends [WorkFolder, ...infer R] ? R : never) {
  const watched = watch(engine, specFor(work, ...args));
  handles.push(watched.handle);
  return watched;
}

/** A server of the standard library on a fixed port, as a user would bring it. */
function server(rest: string, host = '0.0.0.0', port = 8080): string {
  return `
import http.server, os, subprocess, sys, time, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(os.getpid()).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
def serve():
    http.server.ThreadingHTTPServer(("${host}", ${port}), Handler).serve_forever()
${rest}
`;
}

/** Processes that this one has started. */
function children(): readonly number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

async function ask(address: RunnerAddress | null): Promise<string> {
  if (!address) throw new Error('no address');
  return (await fetch(`http://${address.host}:${address.port}/`)).text();
}

describe('a server that the app brings', () => {
  it('runs twice in parallel even though both bind 8080, each on loopback only', async () => {
    const app = server('main = serve');
    const [one, two] = [start(app), start(app)];
    const addresses = [await one.ready, await two.ready];
    const pids = await Promise.all(addresses.map(ask));
    expect(new Set(pids).size).toBe(2);
    for (const [i, pid] of pids.entries()) expect(listeningAddresses(Number(pid))).toEqual([addresses[i]?.host]);
    for (const address of addresses) expect(address?.host).toMatch(ownAddress);
    expect(one.order).toEqual(['started', 'ready']);
    expect(await one.handle.probe(5)).toBe(true);
    expect(await one.handle.checkTcp()).toBe(true);
  });

  it('gets its declared port moved, also from a Python child, and reaches itself there', async () => {
    const app = server(
      `
def main():
    path = "import os, sys; sys.path.append('/app'); sys.path.append(os.getcwd()); "
    child = subprocess.Popen([sys.executable, "-c", path + "import app_under_test; app_under_test.serve()"])
    import urllib.request
    while True:
        try:
            print("reached", urllib.request.urlopen("http://127.0.0.1:9999/").read().decode(), child.pid, flush=True)
            break
        except OSError: time.sleep(0.02)
    child.wait()`,
      '',
      9999,
    );
    const runner = start(app, { declaredPort: 9999 });
    const address = await runner.ready;
    const pid = await ask(address);
    expect((await runner.line(/^reached/)).text).toBe(`reached ${pid} ${pid}`);
    expect(listeningAddresses(Number(pid))).toEqual([address?.host]);
  });

  it('may listen on the IPv6 wildcard', async () => {
    const app = `
import http.server, socket
class Server(http.server.ThreadingHTTPServer): address_family = socket.AF_INET6
def main(): Server(("::", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()`;
    expect(await start(app).ready).toMatchObject({ host: expect.stringMatching(ownAddress) });
  });

  it('becomes ready by its port alone when the listening socket is not from Python', async () => {
    // The C function's bind, which bypasses all patches; only here does the port come from the environment.
    const app = `
import json, os, socket, _socket, time
def main():
    own = json.loads(os.environ["MINIFAL_RUNNER"])["own"]
    raw = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    raw.bind((own["v4"], own["appPort"])); raw.listen()
    while True:
        fd, _ = raw._accept(); os.read(fd, 10); os.write(fd, b"not http\\n"); os.close(fd)`;
    expect(await start(app).ready).toMatchObject({ host: expect.stringMatching(ownAddress) });
  });

  it('is ready only when its health path answers 2xx', async () => {
    const app = server('answers = []\nmain = serve').replace(
      'self.send_response(200)',
      'answers.append(503 if len(answers) < 3 else 200); print(self.path, answers[-1]); ' +
        'self.send_response(answers[-1])',
    );
    const runner = start(app, { health: { path: '/ready', method: 'GET', timeoutSeconds: 5 } });
    await runner.ready;
    await runner.line(/200/);
    expect(runner.lines.map((line) => line.text)).toEqual(['/ready 503', '/ready 503', '/ready 503', '/ready 200']);
  });
});

describe("the runner's process", () => {
  it('sees its variables and few others, and its app files with their modes', async () => {
    const app = server(`
def main():
    print(json.dumps({"env": dict(os.environ), "cwd": os.getcwd(), "mode": os.stat("tool.sh").st_mode & 0o777}))
    serve()`);
    const appFiles = [
      ...work.app({ 'app_under_test.py': app }),
      ...work.app({ 'tool.sh': '#!/bin/sh' }).map((file) => ({ ...file, mode: 0o100755 })),
    ];
    const runner = start(app, { appFiles, env: { FAL_HOST: 'localhost:1' } });
    const printed = JSON.parse((await runner.line(/^\{/)).text);
    expect(printed).toMatchObject({ cwd: expect.stringMatching(/\/app$/), mode: 0o755 });
    expect(printed.env).toMatchObject({ FAL_HOST: 'localhost:1', IS_ISOLATE_AGENT: '1', PYTHONUNBUFFERED: '1' });
    expect(printed.env).not.toHaveProperty('PLANTED_CLOUD_KEY');
  });

  it.each([
    ['an exception', 'def main(): raise RuntimeError("no weights")', /exited with code 1 .*RuntimeError: no weights/],
    ['sys.exit', 'import sys\ndef main(): sys.exit(7)', /exited with code 7 before it was ready/],
    ['a signal', 'import os\ndef main(): os.kill(os.getpid(), 9)', /died with <Signals\.SIGKILL: 9>\.`$/],
    ['a return', 'def main(): pass', /^The function returned instead of serving\. /],
    ['an import that fails', 'import no_such_module', /No module named 'no_such_module'/],
  ])('that ends by %s reports it', async (_, app, sentence) => {
    const runner = start(app);
    expect((await runner.exited).reason).toMatch(sentence);
    expect(runner.order).toEqual(['started', 'exited']);
  });

  it('ends by an exception whose text cannot be created, even if a thread of it is still running', async () => {
    const app = `
import threading, time
class Broken(Exception):
    def __str__(self): return self.missing
def main():
    threading.Thread(target=time.sleep, args=(1000,)).start()
    raise Broken()
`;
    const runner = watch(engine, specFor(work, app));
    expect((await runner.exited).reason).toMatch(
      /exited with code 1 before it was ready: Broken: <.*could not be made>/,
    );
  });

  it('prints the traceback of the app without frames of the emulator', async () => {
    const runner = start('def main(): raise RuntimeError("no weights")');
    await runner.exited;
    const text = runner.lines.map((line) => line.text).join('\n');
    expect(text).toMatch(/^Traceback.*in main.*RuntimeError: no weights$/s);
    expect(text).not.toContain('host.py');
  });

  it('that cannot be loaded names the reason', async () => {
    const runner = start('', { callable: { kind: 'pickle', method: 'pickle', file: work.file('rubbish') } });
    expect((await runner.exited).reason).toContain('The function function could not be deserialized');
  });

  it('gets SIGTERM by terminate and may finish its work', async () => {
    const app = server(`
import signal, threading
def main():
    signal.signal(signal.SIGTERM, lambda *_: (print("draining", flush=True), os._exit(0)))
    threading.Thread(target=serve, daemon=True).start()
    while True: time.sleep(10)`);
    const runner = start(app);
    await runner.ready;
    runner.handle.terminate();
    runner.handle.terminate();
    expect(await runner.exited).toMatchObject({ code: 0, signal: null });
    expect(runner.lines.at(-1)?.text).toBe('draining');
  });

  it('gets each signal that it waits for or handles', async () => {
    const app = `
import os, signal
def main():
    handled = []
    signal.signal(signal.SIGUSR2, lambda *_: handled.append("USR2"))
    signal.signal(signal.SIGALRM, lambda *_: handled.append("ALRM"))
    os.kill(os.getpid(), signal.SIGUSR2)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while len(handled) < 2: signal.pause()
    awaited = sorted(set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP, signal.SIGRTMIN):
        os.kill(os.getpid(), number)
        handled.append(signal.sigwait({number}).name[3:])
    print("signals", *handled, flush=True)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, awaited)
    print("over", signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)
    signal.pause()`;
    const runner = start(app);
    await runner.line(/^over/);
    const output = runner.lines.map(({ text }) => text);
    expect(output).toContain('signals USR2 ALRM USR1 TERM HUP RTMIN');
    expect(output).toContain('over set()');
  });

  it('dies by terminate when it has no handler, which is a clean end', async () => {
    const runner = start(server('main = serve'));
    await runner.ready;
    runner.handle.terminate();
    expect(await runner.exited).toMatchObject({
      signal: 'SIGTERM',
      reason: 'The runner ended by SIGTERM, as requested.',
    });
  });

  it('dies by kill although it ignores SIGTERM', async () => {
    const runner = start(server('import signal\ndef main():\n    signal.signal(15, signal.SIG_IGN)\n    serve()'));
    await runner.ready;
    runner.handle.terminate();
    runner.handle.kill();
    expect(await runner.exited).toMatchObject({ signal: 'SIGKILL', reason: 'The runner was killed, as requested.' });
  });

  it('that is ended before it is created never starts', async () => {
    const runner = start(server('main = serve'));
    runner.handle.kill();
    expect((await runner.exited).reason).toMatch(/stopped before it started|killed, as requested/);
    expect(runner.order.at(-1)).toBe('exited');
  });

  it('starts again by spawn when the fork dies by its first request', async () => {
    const app = server('main = serve').replace(
      'body = str(os.getpid()).encode()',
      'if b"--runner" not in open("/proc/self/cmdline", "rb").read(): __import__("signal").raise_signal(11)\n' +
        '        body = b"ok"',
    );
    const alone = createProcessEngine({ dataDir: work.root, runnerSources });
    const runner = watch(alone, specFor(work, app));
    expect(await ask(await runner.ready)).toBe('ok');
    await alone.close();
  });

  it('starts again by spawn when the fork dies by a crash, and the environment keeps using spawn', async () => {
    const environment = { ...plainPython, id: 'breaks-when-forked' };
    const app = server(`
def main():
    print("spawned" if "--runner" in sys.orig_argv else "forked", flush=True)
    if "--runner" not in sys.orig_argv: os.kill(os.getpid(), 11)
    serve()`);
    const first = start(app, { environment });
    await first.ready;
    expect(first.lines.map((line) => line.text)).toEqual([
      'forked',
      expect.stringContaining('crashed with SIGSEGV while starting'),
      'spawned',
    ]);
    expect(first.order).toEqual(['started', 'ready']);
    const second = start(app, { environment });
    await second.ready;
    expect(second.lines.map((line) => line.text)).toEqual(['spawned']);
  });
});

describe('the engine', () => {
  it('reports a Python that is missing by exited', async () => {
    const environment = { ...plainPython, id: 'gone', python: '/nowhere/bin/python' };
    expect((await start('', { environment }).exited).reason).toMatch(/Python can't be started/);
  });

  it('reports the many runners of a supervisor that ended in several turns of the loop', async () => {
    const environment = { ...plainPython, id: 'gone with many', python: '/nowhere/bin/python' };
    const ends: number[] = [];
    let turn = 0;
    const next = (): void => {
      turn += 1;
      if (ends.length < 60) setImmediate(next);
    };
    next();
    const nothing = () => undefined;
    await new Promise<void>((all) => {
      const exited = (): void => {
        for (const until = performance.now() + 1; performance.now() < until; );
        ends.push(turn);
        if (ends.length === 60) all();
      };
      const received = {
        pulling: nothing,
        started: nothing,
        ready: nothing,
        line: nothing,
        exception: nothing,
        step: nothing,
        debug: nothing,
        result: nothing,
        done: nothing,
      };
      const events = { ...received, exited };
      for (let n = 0; n < 60; n++) engine.start(specFor(work, '', { environment }), events);
    });
    const max = Math.max(...ends.map((of) => ends.filter((other) => other === of).length));
    expect(max).toBeLessThan(10);
  });

  it('reports an app file that leads out of /app by exited', async () => {
    const appFiles = [{ relativePath: '../../outside', source: work.file('x'), mode: 0o644 }];
    expect((await start('', { appFiles }).exited).reason).toMatch(/leads out of \/app/);
  });

  it('appends the extra paths behind the environment', async () => {
    const extra = workFolder();
    const environment = { ...plainPython, id: 'extra', extraPaths: [extra.root] };
    const runner = start(
      'import sys, subprocess\ndef main():\n    print(sys.path[-2:])\n' +
        '    subprocess.run([sys.executable, "-c", "import sys; print(sys.path[-1])"])',
      { environment },
    );
    await runner.exited;
    expect(runner.lines[0]?.text).toContain(extra.root);
    expect(runner.lines[1]?.text).toBe(extra.root);
    extra.remove();
  });

  it('ends its runners when it closes, and reports it', async () => {
    const other = createProcessEngine({ dataDir: join(work.root, 'other'), runnerSources });
    const runner = watch(other, specFor(work, server('main = serve')));
    const address = await runner.ready;
    await other.close();
    expect((await runner.exited).reason).toBe('The runner was killed, as requested.');
    await expect(
      new Promise((resolve, reject) => {
        connect(address?.port ?? 0, address?.host, () => resolve('open')).on('error', reject);
      }),
    ).rejects.toThrow(/ECONNREFUSED/);
    const late = watch(other, specFor(work, ''));
    expect((await late.exited).reason).toMatch(/engine is closed/);
  });

  it.runIf(process.platform === 'linux')('starts from the supervisor that was prepared before', async () => {
    const other = createProcessEngine({ dataDir: join(work.root, 'warmed'), runnerSources });
    const before = children();
    other.warm(plainPython);
    other.warm(plainPython);
    const warmed = children().filter((pid) => !before.includes(pid));
    expect(warmed).toHaveLength(1);
    const runner = watch(other, specFor(work, server('main = serve')));
    const pid = Number(await ask(await runner.ready));
    expect(parentOf(parentOf(pid))).toBe(warmed[0]);
    await other.close();
    expect(children()).not.toContain(warmed[0]);
  });

  it("removes a runner's folder on dispose", async () => {
    const runner = start('def main(): pass');
    await runner.exited;
    await runner.handle.dispose();
    expect(() => readFileSync(join(work.root, 'runners', runner.handle.runnerId, 'app', 'app_under_test.py'))).toThrow(
      /ENOENT/,
    );
  });
});
