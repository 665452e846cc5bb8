import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, RunnerAddress, RunnerSpec } from '../engine.ts';
import { type Watched, watch } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { descendants, listeningAddresses, parentOf, until } from './testing/processes.ts';
import { plainPython, runnerSources, specFor, type WorkFolder, workFolder } from './testing/runners.ts';
import { c, go, hostile, node, python, rust } from './testing/servers.ts';
import type { Virtualenv } from './virtualenv.ts';

/** On Linux's loopback, and not an address that a system or a person uses. */
const ownAddress = /^127\.(1[6-9]|[2-9]\d|1\d\d|2[0-4]\d|25[0-4])\.\d+\.\d+$/;
const isSlow = process.env.MINIFAL_SLOW === '1';
const slowTimeout = { timeout: isSlow ? 600_000 : 120_000 };
const has = (command: string) => spawnSync(command, ['--version']).error === undefined;

let work: WorkFolder;
let engine: Engine;
const limits: string[] = [];
const handles: { kill(): void }[] = [];

beforeAll(() => {
  work = workFolder();
  const onLimit = (sentence: string) => limits.push(sentence);
  // Node may be in a folder for temporary files, which is hidden from runners.
  const shown = [process.execPath];
  engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'full', shown, onLimit });
});
afterEach(() => {
  for (const handle of handles.splice(0)) handle.kill();
});
afterAll(async () => {
  await engine.close();
  work.remove();
});

function watched(engine: Engine, app: App, rest: Partial<RunnerSpec<Virtualenv>> = {}): Watched {
  const spec = specFor(work, app.text, rest);
  const files = Object.entries(app.files ?? {});
  const programs = files.map(([relativePath, source]) => ({ relativePath, source, mode: 0o100755 }));
  const runner = watch(engine, { ...spec, appFiles: [...spec.appFiles, ...programs] });
  handles.push(runner.handle);
  return runner;
}

function start(text: string, rest: Partial<RunnerSpec<Virtualenv>> = {}): Watched {
  return watched(engine, { text }, rest);
}

async function ask(address: RunnerAddress | null): Promise<string> {
  return (await fetch(`http://${address?.host}:${address?.port}/`)).text();
}

/** An app's module, and its other files by name: their paths on this machine. */
interface App {
  readonly text: string;
  readonly files?: { readonly [name: string]: string };
}

/** An app that turns into this program, a file of its own, started through `through`. */
function program(file: string, args: readonly string[], through: readonly string[] = []): App {
  const command = JSON.stringify([...through, './program', ...args]);
  const text = `
import os
def main():
    print("pid", os.getpid(), flush=True)
    os.execvp(${command}[0], ${command})
`;
  return { text, files: { program: file } };
}

/** The addresses on which processes of the runner listen. */
async function listeners(runner: Watched): Promise<readonly string[]> {
  const pid = Number((await runner.line(/^pid /)).text.split(' ')[1]);
  return [pid, ...descendants(pid)].flatMap(listeningAddresses);
}

function compiled(text: string, name: string, ...command: string[]): string {
  const folder = join(work.root, 'programs');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const to = join(folder, name.replace(/\..*/, ''));
  const source = join(folder, name);
  execFileSync('cp', [work.file(text), source]);
  const [compiler = '', ...args] = command;
  execFileSync(compiler, [...args, '-o', to, source], { stdio: 'pipe', env: { ...process.env, GO111MODULE: 'off' } });
  chmodSync(to, 0o755);
  return to;
}

/** Only the module, whose `main` serves. */
const servesPython = python.slice(0, python.indexOf('if __name__'));
const servers: readonly (readonly [what: string, needs: boolean, app: () => App])[] = [
  ['C', has('gcc'), () => program(compiled(c, 'c.c', 'gcc'), ['8080'])],
  ['Rust', has('rustc'), () => program(compiled(rust, 'rust.rs', 'rustc'), ['8080'])],
  // Its packages are compiled first, which takes most of a minute.
  ['Go', isSlow && has('go'), () => program(compiled(go, 'go.go', 'go', 'build'), ['8080'])],
  ['Node', true, () => program(work.file(node), [], [process.execPath])],
  ["Node's cluster", true, () => program(work.file(node), ['cluster'], [process.execPath])],
  ['python -I', true, () => program(work.file(python), ['0.0.0.0'], ['python3', '-I'])],
  ['Python on ::', true, () => program(work.file(python), ['::'], ['python3', '-I'])],
  ['Python on ::ffff:0.0.0.0', true, () => program(work.file(python), ['::ffff:0.0.0.0'], ['python3', '-I'])],
  ['multiprocessing', true, () => program(work.file(python), ['0.0.0.0', 'process'], ['python3'])],
];

describe.runIf(process.platform === 'linux')('a server on all addresses, written in', () => {
  for (const [what, needs, app] of servers) {
    it.runIf(needs)(`${what}, becomes ready and answers on the runner's own address alone`, slowTimeout, async () => {
      const made = app();
      const [one, two] = [watched(engine, made), watched(engine, made)];
      const addresses = [await one.ready, await two.ready];
      expect(limits.filter((sentence) => sentence.includes('addresses'))).toEqual([]);
      expect(new Set(addresses.map((address) => address?.host)).size).toBe(2);
      for (const [at, runner] of [one, two].entries()) {
        expect(addresses[at]?.host).toMatch(ownAddress);
        expect(await ask(addresses[at] ?? null)).toBe('hi');
        expect(new Set(await listeners(runner))).toEqual(new Set([addresses[at]?.host]));
      }
    });
  }
});

describe.runIf(process.platform === 'linux')("a runner's sockets", () => {
  it('that listen unbound or on any port are on its own address, UDP ones are unchanged', async () => {
    const runner = start(`
import os, socket, _socket
def main():
    print("pid", os.getpid(), flush=True)
    unbound = socket.socket(); unbound.listen()
    some = socket.socket(); some.bind(("", 0)); before = some.getsockname()[1]; some.listen()
    six = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    raw = _socket.socket(); raw.bind(("0.0.0.0", 0)); raw.listen(5)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("0.0.0.0", 0))
    unix = socket.socket(socket.AF_UNIX); unix.bind("/app/unix"); unix.listen()
    socket.socket(socket.AF_UNIX).connect("/app/unix")
    print("kept", before == some.getsockname()[1], udp.getsockname()[0], flush=True)
    import time; time.sleep(1000)`);
    expect((await runner.line(/^kept/)).text).toBe('kept True 0.0.0.0');
    const found = await listeners(runner);
    expect(found.length).toBeGreaterThan(0);
    for (const address of found) expect(address).toMatch(ownAddress);
  });

  it('for Unix paths are bound as by the program itself: to its own files, by its folder, user and umask', async () => {
    const runner = start(`
import multiprocessing.managers, os, socket, stat
def bind(path, before=None):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path); one.listen()
        assert one.getsockname() == (path.encode() if path[0] == chr(0) else path), one.getsockname()
        return os.stat(path) if path[0] != chr(0) else None
def fails(path):
    try: bind(path)
    except OSError as error: return error.errno
def as_nobody():
    os.setgid(65534); os.setuid(65534)
    found = bind("/tmp/open/nobody")
    return [found.st_uid, found.st_gid, fails("/tmp/closed/nobody")]
def in_root():
    os.chroot("/tmp/open"); os.chdir("/")
    bind("/chrooted"); bind("out/../chrooted2")
    return [0, 0, 0]
def in_child(act):
    reader, writer = os.pipe()
    if os.fork() == 0:
        try: os.write(writer, repr(act()).encode())
        finally: os._exit(0)
    os.close(writer); os.wait()
    return os.read(reader, 1000).decode()
def main():
    os.makedirs("/tmp/open/out"); os.chmod("/tmp/open", 0o777); os.mkdir("/tmp/closed")
    os.umask(0o027)
    print("mode", oct(stat.S_IMODE(bind("/tmp/one").st_mode)), flush=True)
    os.chdir("/tmp/closed")
    bind("relative"); bind("../upwards")
    os.symlink("/tmp/open", "link"); bind("link/through")
    bind("/tmp/open/" + "x" * 90); bind(chr(0) + "a1 test of ours" + "y" * 50)
    print("there", sorted(os.listdir("/tmp/closed")), sorted(os.listdir("/tmp/open"))[:2], flush=True)
    print("errors", fails("/tmp/one"), fails("/tmp/none/one"), fails("/proc/none"), flush=True)
    if os.getuid() == 0: print("other", in_child(as_nobody), in_child(in_root), os.listdir("/tmp/open/out"), flush=True)
    with multiprocessing.managers.SyncManager() as manager: print("manager", manager.list([1])[0], flush=True)
    print("over", flush=True)
    import time; time.sleep(1000)`);
    await runner.line(/^over/);
    const output = runner.lines.map((line) => line.text);
    expect(output).toContain('mode 0o750');
    expect(output).toContain(`there ['link', 'relative'] ['out', 'through']`);
    expect(output).toContain('errors 98 2 2');
    if (process.getuid?.() === 0) expect(output).toContain('other [65534, 65534, 13] [0, 0, 0] []');
    expect(output).toContain('manager 1');
  });

  it("reach its own servers by any of the machine's names, and the machine's on 127.0.0.1", async () => {
    const database = createServer((socket) => socket.end('database')).listen(0, '127.0.0.1');
    await once(database, 'listening');
    const { port } = database.address() as AddressInfo;
    const runner = start(`
import asyncio, http.client, json, os, socket, subprocess, sys, threading
sys.argv = ["", "0.0.0.0"]
${python.replace('if __name__', 'if 0 and __name__').replace('def main():', 'def serve():')}
def main():
    threading.Thread(target=serve, daemon=True).start()
    own = socket.create_server(("127.0.0.1", 9123))
    while True:
        try: socket.create_connection(("127.0.0.1", 8080)).close(); break
        except OSError: pass
    for host in ("127.0.0.1", "localhost", "0.0.0.0", "::1", socket.gethostname(), own.getsockname()[0]):
        with socket.create_connection((host, 9123), 5) as client:
            server, peer = own.accept()
            print("own", host != "", peer[0] == own.getsockname()[0], flush=True)
    import urllib.request
    print("urllib", urllib.request.urlopen("http://localhost:8080/").read().decode(), flush=True)
    code = 'require("http").get("http://127.0.0.1:8080/", (r) => r.on("data", (d) => console.log("node", String(d))))'
    subprocess.run([${JSON.stringify(process.execPath)}, "-e", code])
    blocking = socket.socket(); blocking.connect(("127.0.0.1", ${port}))
    print("received", blocking.recv(100).decode(), flush=True)
    debugger = socket.create_server(("127.0.0.1", 5678)) if os.environ.get("DEBUGGER") else None
    client = socket.socket(); client.bind(("", 0))
    print("client", client.getsockname()[0], flush=True)
    threading.Event().wait()`);
    await runner.line(/^client 0\.0\.0\.0/);
    database.close();
    const output = runner.lines.map((line) => line.text);
    expect(output.filter((line) => line === 'own True True')).toHaveLength(6);
    expect(output).toContain('urllib hi');
    expect(output).toContain('node hi');
    expect(output).toContain('received database');
  });

  it('do not hold up each other while one waits for a connection', async () => {
    const runner = start(`
import socket, threading, time
def main():
    full = socket.socket(); full.bind(("127.0.0.1", 9123)); full.listen(0)
    waiting = [socket.socket() for _ in range(2)]
    for one in waiting: threading.Thread(target=lambda one=one: one.connect(("127.0.0.1", 9123)), daemon=True).start()
    # SYN_SENT: the first of them has taken the only place there is.
    held = f":{full.getsockname()[1]:04X} 02 "
    while held not in open("/proc/net/tcp").read(): time.sleep(0.001)
    other = socket.create_server(("127.0.0.1", 9124))
    socket.create_connection(("127.0.0.1", 9124)).close()
    print("served", flush=True)
    for _ in waiting: full.accept()
    print("accepted", flush=True)
    time.sleep(1000)`);
    await runner.line(/^served/);
    await runner.line(/^accepted/);
  });

  it('stay on 127.0.0.1 if they belong to a debugger, because an editor looks for it there', async () => {
    const taken = createServer().listen(5678, '127.0.0.1');
    const isFree = await once(taken, 'listening').then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => taken.close(resolve));
    const runner = start(`
import socket, time
def main():
    try: print("debugger", socket.create_server(("0.0.0.0", 5678)).getsockname()[0], flush=True)
    except OSError as error: print("debugger", error.errno, flush=True)
    time.sleep(1000)`);
    expect((await runner.line(/^debugger/)).text).toBe(isFree ? 'debugger 127.0.0.1' : 'debugger 98');
  });

  // Only root can inspect a keeper.
  it.runIf(process.getuid?.() === 0)('leave nothing open in the keeper, however they end', async () => {
    const runner = start(`
import os, signal, socket, threading, time
def main():
    print("pid", os.getpid(), flush=True)
    full = socket.socket(); full.bind(("127.0.0.1", 9123)); full.listen(0)
    def connect():
        with socket.socket() as one:
            try: one.connect(("127.0.0.1", 9123))
            except OSError as error: print("refused", error.errno, flush=True)
    if os.fork() == 0:
        for _ in range(300): threading.Thread(target=connect, daemon=True).start()
        time.sleep(1); os.kill(os.getpid(), signal.SIGKILL)
    os.wait()
    for _ in range(300):
        with socket.socket() as one, socket.socket(socket.AF_INET6) as six:
            six.listen()
            for act in (lambda: one.bind(("192.0.2.99", 0)), lambda: one.connect(("127.0.0.1", 9)), one.listen):
                try: act()
                except OSError: pass
    full.close()
    print("over", flush=True)
    time.sleep(1000)`);
    await runner.line(/^over/);
    const pid = Number((await runner.line(/^pid /)).text.split(' ')[1]);
    // Some calls report that too many are waiting; a killed process no longer waits.
    expect(runner.lines.some((line) => line.text === 'refused 11')).toBe(true);
    await until(() => readdirSync(`/proc/${parentOf(pid)}/fd`).length < 20);
  });

  it('of a command in the runner use its own addresses, too', async () => {
    const runner = watched(engine, program(work.file(node), [], [process.execPath]));
    const address = await runner.ready;
    const script = `
const http = require('node:http');
const server = require('node:net').createServer().listen(9123, () => http.get('http://localhost:8080/', (answer) =>
  answer.on('data', (data) => { console.log(server.address().address, String(data)); process.exit(); })));`;
    const output = await new Promise<string>((resolve) => {
      let seen = '';
      runner.handle.exec(
        [process.execPath, '-e', script],
        { tty: false },
        {
          output(_stream, bytes) {
            seen += Buffer.from(bytes);
          },
          drained: () => undefined,
          exited: () => resolve(seen),
        },
      );
    });
    expect(output).toBe(`::ffff:${address?.host} hi\n`);
  });

  it.runIf(has('gcc'))(
    'never listen outside nor are bound elsewhere, whatever a program changes meanwhile',
    slowTimeout,
    async () => {
      const neighbour = watched(engine, program(work.file(node), [], [process.execPath]));
      await neighbour.ready;
      const runner = watched(
        engine,
        program(compiled(hostile, 'hostile.c', 'gcc', '-pthread'), [isSlow ? '30000' : '2000']),
      );
      expect((await runner.line(/^escapes/)).text).toBe('escapes 0 unchecked 0 kept 1');
      expect(await neighbour.handle.probe(5)).toBe(true);
    },
  );
});

describe.runIf(process.platform === 'linux')('where the machine refuses the filter', () => {
  it('that is reported once, and servers of Python still use the own address', async () => {
    const restricted = join(import.meta.dirname, '../../../test/support/restricted.py');
    const python = work.file(`#!/bin/sh\nexec python3 '${restricted}' docker python3 "$@"\n`);
    chmodSync(python, 0o755);
    const limits: string[] = [];
    const dataDir = join(work.root, 'refused');
    const onLimit = (sentence: string) => limits.push(sentence);
    const refused = createProcessEngine({ dataDir, runnerSources, isolation: 'full', onLimit });
    const environment = { ...plainPython, id: 'refused', python };
    const text = `import sys\nsys.argv = ["", "0.0.0.0"]\n${servesPython}`;
    const runners = [watched(refused, { text }, { environment }), watched(refused, { text }, { environment })];
    for (const runner of runners) {
      const address = await runner.ready;
      expect(address?.host).toMatch(ownAddress);
      expect(await ask(address)).toBe('hi');
    }
    expect(limits.filter((sentence) => /their own addresses .*Operation not permitted/.test(sentence))).toHaveLength(1);
    expect(refused.missing()).toContainEqual({ part: 'addresses', why: expect.stringContaining('not permitted') });
    await refused.close();
  });
});

describe.runIf(process.platform === 'linux')('without the filter, a server that is not Python', () => {
  let without: Engine;
  let lenient: Engine;
  beforeAll(() => {
    const deps = { runnerSources, isolation: 'off' } as const;
    without = createProcessEngine({ ...deps, dataDir: join(work.root, 'without') });
    lenient = createProcessEngine({ ...deps, dataDir: join(work.root, 'lenient'), allowOutside: true });
  });
  afterAll(() => Promise.all([without.close(), lenient.close()]));

  const anyPort = () => 20_000 + Math.floor(Math.random() * 10_000);

  function begin(engine: Engine, host: string, declaredPort = anyPort()): Watched {
    const text = node.replace('8080', `Number(process.env.PORT), '${host}'`);
    const env = { PORT: String(declaredPort) };
    return watched(engine, program(work.file(text), [], [process.execPath]), { declaredPort, env });
  }

  it('ends its runner when other machines reach it, but not other runners or what the setting allows', async () => {
    const neighbour = begin(without, '127.0.0.1');
    expect(await ask(await neighbour.ready)).toBe('hi');
    const runner = begin(without, '0.0.0.0');
    const sentence = /a program in it listens on 0\.0\.0\.0:\d+, where other machines can reach it without a key\./;
    expect((await runner.exited).reason).toMatch(sentence);
    expect(runner.lines.map((line) => line.text).join('\n')).toMatch(sentence);
    expect(await neighbour.handle.probe(5)).toBe(true);
    expect(await ask(await begin(lenient, '0.0.0.0').ready)).toBe('hi');
  });

  it('reports the next step if another runner has its port', async () => {
    const port = anyPort();
    await begin(without, '127.0.0.1', port).ready;
    const second = begin(without, '127.0.0.1', port);
    const sentence = /found its port in use\. .* Next step: start minifal with `--isolation full`, or deploy with /;
    expect((await second.exited).reason).toMatch(sentence);
    expect(second.lines.filter(({ text }) => text.startsWith('minifal:') && sentence.test(text))).toHaveLength(1);
  });
});
