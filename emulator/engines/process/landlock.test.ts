import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { type Watched, watch, watchCommand } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { parentOf } from './testing/processes.ts';
import { runnerSources, specFor, type WorkFolder, workFolder } from './testing/runners.ts';

const asksVersion = 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))';
const isThere = process.platform === 'linux' && Number(execFileSync('python3', ['-c', asksVersion])) >= 6;

let work: WorkFolder;
let engine: Engine;
const runners: Watched[] = [];

beforeAll(() => {
  work = workFolder();
  engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'full' });
});
afterEach(() => {
  for (const { handle } of runners.splice(0)) handle.kill();
});
afterAll(async () => {
  await engine.close();
  work.remove();
});

function start(text: string, rest: Parameters<typeof specFor>[2] = {}, on: Engine = engine): Watched {
  const runner = watch(on, specFor(work, text, rest));
  runners.push(runner);
  return runner;
}

/** What an act is refused with; `None`: it isn't. */
const helpers = `
import ctypes, os, signal, socket, sys, threading
def refusal(act):
    try: act()
    except OSError as error: return error.errno
def connect(name):
    with socket.socket(socket.AF_UNIX) as client: client.connect(name)
def listen(name):
    server = socket.socket(socket.AF_UNIX); server.bind(name); server.listen(); return server
`;

describe.runIf(isThere)("a runner, isolated from the machine's other programs", () => {
  it('reaches none of them by a signal, by inspection, or by an abstract socket', async () => {
    const name = `minifal-test-${process.pid}`;
    const other = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const server = createServer((socket) => socket.end()).listen(`\0${name}`);
    await once(server, 'listening');
    const neighbour = start(
      `${helpers}
def main():
    server = listen("\\0" + os.environ["NAME"])
    print("pid", os.getpid(), flush=True)
    threading.Event().wait()`,
      { env: { NAME: `${name}-neighbour` } },
    );
    const pid = Number((await neighbour.line(/^pid /)).text.split(' ')[1]);
    const keeper = parentOf(pid) ?? 0;
    const outside = [other.pid ?? 0, process.pid, keeper, parentOf(keeper) ?? 0, pid];
    const runner = start(
      `${helpers}
def main():
    pids, names = eval(os.environ["PIDS"]), ["\\0" + name for name in eval(os.environ["NAMES"])]
    pids += [os.getppid()]
    print("signals", {refusal(lambda: os.kill(pid, 0)) for pid in pids}, flush=True)
    print("looks", {refusal(lambda: os.listdir(f"/proc/{pid}/root/")) for pid in pids}, flush=True)
    libc = ctypes.CDLL(None)
    print("attaches", libc.ptrace(0x4206, pids[0], None, None), flush=True)
    print("sockets", {refusal(lambda: connect(name)) for name in names}, flush=True)
    threading.Event().wait()`,
      { env: { PIDS: JSON.stringify(outside), NAMES: JSON.stringify([name, `${name}-neighbour`]) } },
    );
    await runner.line(/^sockets/);
    const output = runner.lines.map(({ text }) => text);
    expect(output).toContain('signals {1}');
    expect(output).toContain('looks {13}');
    expect(output).toContain('attaches -1');
    expect(output).toContain('sockets {1}');
    server.close();
    other.kill();
  });

  it('reaches all of its own processes, by signals, abstract sockets and as a debugger', async () => {
    const runner = start(`${helpers}
import subprocess
def main():
    server = listen("\\0own-" + str(os.getpid())); here = listen("/tmp/own")
    connect(server.getsockname()); connect("/tmp/own")
    code = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1]); socket.socket(socket.AF_UNIX)"
    code += ".connect(chr(0) + sys.argv[2]); print('child reached both', flush=True)"
    subprocess.run([sys.executable, "-c", code, "/tmp/own", server.getsockname()[1:].decode()])
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    libc = ctypes.CDLL(None, use_errno=True)
    print("seized", libc.ptrace(0x4206, child.pid, None, None), flush=True)
    print("looks", refusal(lambda: open(f"/proc/{child.pid}/environ").read(1)), flush=True)
    libc.ptrace(17, child.pid, None, None)
    child.kill(); print("killed", child.wait(), flush=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
    print("own", int(signal.sigwait({signal.SIGUSR1})), flush=True)
    print("over", flush=True)
    threading.Event().wait()`);
    await runner.line(/^over/);
    const output = runner.lines.map(({ text }) => text);
    const all = ['child reached both', 'seized 0', 'looks None', 'killed -9', 'own 10'];
    expect(output).toEqual(expect.arrayContaining(all));
  });

  it('can be ended and inspected by the processes that should', async () => {
    const drains = start(`${helpers}
def main():
    signal.signal(signal.SIGTERM, lambda *_: (print("drained", flush=True), os._exit(0)))
    print("pid", os.getpid(), flush=True)
    threading.Event().wait()`);
    const pid = Number((await drains.line(/^pid /)).text.split(' ')[1]);
    expect(readFileSync(`/proc/${pid}/cmdline`).length).toBeGreaterThan(0);
    drains.handle.terminate();
    await drains.line(/^drained/);
    expect((await drains.exited).code).toBe(0);
    const stays = start('import time\ndef main():\n    print("up", flush=True); time.sleep(1000)');
    await stays.line(/^up/);
    stays.handle.kill();
    expect((await stays.exited).signal).toBe('SIGKILL');
  });
});

/** A command in the runner, until it has ended: its output, and whether the runner's end was the cause. */
function run(runner: Watched, ...command: readonly string[]): Promise<readonly [printed: string, withRunner: unknown]> {
  let printed = '';
  return new Promise((resolve) => {
    const output = (_stream: number, bytes: Uint8Array) => {
      printed += Buffer.from(bytes);
    };
    const exited = (_code: number, withRunner: unknown) => resolve([printed, withRunner]);
    runner.handle.exec(command, { tty: false }, { output, drained: () => undefined, exited });
  });
}

const serves = `${helpers}
def main():
    server = listen("\\0own-" + str(os.getpid()))
    print("pid", os.getpid(), flush=True)
    threading.Event().wait()`;

describe.runIf(isThere)('a command in such a runner', () => {
  it("reaches the runner's processes, but nothing outside", async () => {
    const other = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const runner = start(serves);
    const pid = (await runner.line(/^pid /)).text.split(' ')[1];
    const script = `${helpers}
own, other = ${pid}, ${other.pid}
libc = ctypes.CDLL(None)
print(refusal(lambda: os.kill(own, 0)), refusal(lambda: connect(chr(0) + "own-" + str(own))))
print(libc.ptrace(0x4206, own, None, None), os.readlink(f"/proc/{own}/root"))
print(refusal(lambda: os.kill(other, 0)), libc.ptrace(0x4206, other, None, None))`;
    expect(await run(runner, 'python3', '-c', script)).toEqual(['None None\n0 /\n1 -1\n', undefined]);
    other.kill();
  });

  it('ends with a runner that ends on its own, and reports that as the cause', async () => {
    const runner = start(serves);
    runner.exited.catch(() => undefined);
    const pid = (await runner.line(/^pid /)).text.split(' ')[1];
    expect(await run(runner, 'sh', '-c', `kill -9 ${pid}; exec sleep 1000`)).toEqual(['', true]);
    expect((await runner.exited).signal).toBe('SIGKILL');
  });

  it("needs no child of the runner's own process", async () => {
    const runner = start(`${helpers}
def main():
    try: os.wait()
    except ChildProcessError: print("no child", flush=True)
    threading.Event().wait()`);
    await runner.line(/^no child/);
    expect(await run(runner, 'echo', 'hi')).toEqual(['hi\n', undefined]);
  });
});

/** A runner that ends the process by which commands enter it, and can take its place. */
const takesOver = `${helpers}
def names(): return {line.split()[-1][1:] for line in open("/proc/net/unix") if " @minifal-" in line}
name = next("\\0" + name for name in names() if refusal(lambda: connect("\\0" + name)) is None)
def end_door():
    for pid in open(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read().split():
        if int(pid) != os.getpid(): os.kill(int(pid), signal.SIGKILL)
    while refusal(lambda: connect(name)) is None: pass
`;

describe.runIf(isThere)('where a program has replaced the door for commands', () => {
  it('another runner gets nothing that is sent to the runner', async () => {
    const runner = start(`${takesOver}
def main():
    end_door()
    print("name", name[1:], flush=True)
    threading.Event().wait()`);
    const name = (await runner.line(/^name /)).text.split(' ')[1] ?? '';
    const neighbour = start(
      `${helpers}
def main():
    server = listen("\\0" + os.environ["NAME"])
    print("listens", flush=True)
    while True: print("heard", server.accept()[0].recv(1000000), flush=True)`,
      { env: { NAME: name } },
    );
    await neighbour.line(/^listens/);
    expect((await run(runner, 'echo', 'hi'))[0]).toContain('the runner is gone');
    await neighbour.line(/^heard b''/);
    expect(neighbour.lines.filter(({ text }) => text.startsWith('heard')).map(({ text }) => text)).toEqual([
      "heard b''",
    ]);
  });

  const asDoor = (act: string) => `${takesOver}
import struct
def main():
    end_door()
    server = listen(name)
    print("listens", flush=True)
    kept = []
    while True:
        client = server.accept()[0]
        kept += [client, *socket.recv_fds(client, 4, 2)[1]]
        send = lambda kind, data: os.write(kept[-1], kind + struct.pack(">I", len(data)) + data)
        ${act}
        print("has it", flush=True)`;

  it('a session still ends, and so does the engine', async () => {
    const own = createProcessEngine({ dataDir: join(work.root, 'own'), runnerSources, isolation: 'full' });
    const runner = start(asDoor('send(b"1", b"mine")'), {}, own);
    await runner.line(/^listens/);
    const [ended, stays] = [1, 2].map(() => watchCommand(runner.handle, ['echo', 'hi']));
    await ended?.shows('mine');
    ended?.session.kill();
    expect(await ended?.exit).toBe(137);
    await stays?.shows('mine');
    await own.close();
    expect(await stays?.exit).toBe(137);
  }, 30_000);

  it.each([
    ['a frame without an end', 'os.write(kept[-1], b"1\\xff\\xff\\xff\\xff")', ''],
    ['no number as its exit code', 'send(b"1", b"mine"); send(b"x", b"many")', 'mine'],
  ])(
    '%s is the end of a command',
    async (_what, act, out) => {
      const runner = start(asDoor(act));
      await runner.line(/^listens/);
      const command = watchCommand(runner.handle, ['echo', 'hi']);
      expect([await command.exit, command.seen.out]).toEqual([137, out]);
    },
    30_000,
  );
});

describe.runIf(process.platform === 'linux')('where the machine has no such rules', () => {
  it('that is reported once, with the requirements, and runners work without them', async () => {
    const restricted = join(import.meta.dirname, '../../../test/support/restricted.py');
    const python = work.file(`#!/bin/sh\nexec python3 '${restricted}' old python3 "$@"\n`);
    chmodSync(python, 0o755);
    const limits: string[] = [];
    const dataDir = join(work.root, 'old');
    const onLimit = (sentence: string) => limits.push(sentence);
    const old = createProcessEngine({ dataDir, runnerSources, isolation: 'full', onLimit });
    const text = 'import time\ndef main():\n    print("up", flush=True); time.sleep(1000)';
    for (const _ of [1, 2]) {
      const runner = start(text, { environment: { kind: 'virtualenv', id: 'old', python, extraPaths: [] } }, old);
      await runner.line(/^up/);
      expect(await run(runner, 'echo', 'hi')).toEqual(['hi\n', undefined]);
    }
    expect(limits).toEqual([expect.stringMatching(/other programs .*\(Landlock: .*Linux 6\.12/)]);
    expect(old.missing().map(({ part }) => part)).toEqual(['programs']);
    await old.close();
  });
});
