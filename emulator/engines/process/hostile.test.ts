import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunnerSpec } from '../engine.ts';
import type { Watched } from '../testing/watch.ts';
import { engineLab } from './testing/lab.ts';
import { parentOf } from './testing/processes.ts';
import { ofOrdinaryUser, ordinaryUser } from './testing/runners.ts';
import type { Virtualenv } from './virtualenv.ts';

const lab = engineLab();

function start(text: string, rest: Partial<RunnerSpec<Virtualenv>> = {}): Watched {
  return lab.start(text, rest);
}

const server = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *args): pass
def main():
    print("pids", os.getpid(), os.getppid(), flush=True)
    http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
`;

/** Writes the items of `chunks` to every descriptor that the runner has besides its standard ones, then waits. */
function hostile(chunks: string): string {
  return `
import json, os, re, socket, sys, time
def chunks():
${chunks.replace(/^/gm, '    ')}
def main():
    own = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
    for chunk in chunks():
        for fd in own:
            left = chunk
            while left:
                try: left = left[os.write(fd, left):]
                except BlockingIOError: time.sleep(0.01)
                except OSError: break
    time.sleep(1000)
`;
}

const sends = (message: unknown) => `yield ${JSON.stringify(JSON.stringify(message))}.encode() + b"\\n"`;

const frame = { file: 'a.py', line: 1, function: 'f', isApp: true };
const exception = {
  ...{ event: 'exception', type: 'E', message: '', phase: 'request', frames: [frame] },
  ...{ requestId: null, endpoint: null },
};

/** What a runner sends, and which part of it the sentence about its end names. */
const violations: readonly [string, string, RegExp][] = [
  ['a list', 'yield b"[]\\n"', /an unknown report/],
  ['garbage', 'yield b"\\x00\\xff garbage\\n"', /not JSON/],
  ['deep nesting', 'yield b"[" * 200_000 + b"\\n"', /not JSON/],
  ['a number without end', 'yield b"[" + b"9" * 200_000 + b"]\\n"', /not JSON/],
  ['a line without end', 'while True: yield b"x" * 65536', /more than 256 KiB/],
  ['another event', sends({ event: 'flushed' }), /an unknown report/],
  ['an event of the supervisor', sends({ event: 'exited', code: 0, signal: null }), /an unknown report/],
  ['a line of its own', sends({ event: 'line', stream: 'stdout', text: 'forged' }), /an unknown report/],
  ['an event without its keys', sends({ event: 'listening' }), /an unknown report/],
  ['unknown keys', sends({ event: 'loaded', id: 'runner-0' }), /an unknown report/],
  ['that it entered, again', sends({ event: 'entered' }), /"entered" out of order/],
  ['a foreign port', sends({ event: 'listening', host: '127.0.0.1', port: 1 }), /"listening" out of order/],
  ['an exception without frames', sends({ ...exception, frames: undefined }), /an unknown report/],
  ['an exception of an unknown phase', sends({ ...exception, phase: 'build' }), /an unknown report/],
  [
    'an exception with other frames',
    sends({ ...exception, frames: [{ file: 'a.py', line: true }] }),
    /an unknown report/,
  ],
  ['an exception of many frames', sends({ ...exception, frames: Array(31).fill(frame) }), /an unknown report/],
  ['a result of a server', sends({ event: 'result', method: 'pickle', raised: null }), /"result" out of order/],
  ['gated with a key', sends({ event: 'gated', port: 1 }), /an unknown report/],
  ['loaded of a server', sends({ event: 'loaded' }), /"loaded" out of order/],
];

describe('a runner that writes to its channel', () => {
  it.each(violations)('%s ends without affecting others, and its log has the reason', async (_what, chunks, why) => {
    const neighbour = start(server);
    await neighbour.ready;
    const runner = start(hostile(chunks));
    const exit = await runner.exited;
    expect(exit.reason).toMatch(why);
    expect(runner.lines.map((line) => line.text).join('\n')).toMatch(why);
    expect(runner.order).not.toContain('result');
    expect(await neighbour.handle.probe(5)).toBe(true);
    expect(neighbour.order).toEqual(['started', 'ready']);
  });

  it('an app that closes every descriptor that it did not open still serves', async () => {
    const runner = start(server.replace('def main():\n', 'def main():\n    os.closerange(3, 1024)\n'));
    await runner.ready;
    expect(await runner.handle.probe(5)).toBe(true);
  });

  it('a half message followed by the end of the runner is treated as its end', async () => {
    const runner = start(hostile('yield b"{\\"event\\": "\n').replace('time.sleep(1000)', 'os._exit(3)'));
    expect(await runner.exited).toMatchObject({ code: 3, signal: null });
  });

  it.each([
    ['a value before it was called', { event: 'result', method: 'pickle', raised: null }],
    ['a refusal after its result', { event: 'refused', reason: 'forged' }],
  ])('%s ends a function run alone', async (_what, message) => {
    const runner = start(hostile(`${sends({ event: 'refused', reason: 'one' })}\n${sends(message)}`), { mode: 'call' });
    await runner.ready;
    runner.handle.call();
    expect((await runner.exited).reason).toMatch(/out of order/);
    expect(runner.order.filter((event) => event === 'result')).toHaveLength(1);
  });

  it('a value before the call is not a result', async () => {
    const early = `
import json, os
for name in os.listdir("/proc/self/fd"):
    if int(name) > 2:
        try: os.write(int(name), b'{"event": "result", "method": "pickle", "raised": null}\\n')
        except OSError: pass
import time; time.sleep(1000)
def main(): pass
`;
    const setup = { kind: 'entrypoint', name: 'app_under_test:main' } as const;
    const runner = start(early, { mode: 'call', setup });
    expect((await runner.exited).reason).toMatch(/"result" out of order/);
    expect(runner.order).toEqual(['started', 'exited']);
  });
});

describe("a runner that forges its lines' frames", () => {
  const forged = /one of the emulator's own marks/;
  it.each([
    ['without a length', 'b"{}\\x1f"', forged],
    ['with bad labels', 'b"{nonsense}3\\x1fabc\\n"', forged],
    ['with labels that are no text', 'b\'{"k": 1, "requestId": {"a": []}}4\\x1fabc\\n\'', /exited with code 0/],
    ['that never end', 'b"{}999999999\\x1f" + b"x" * 3_000_000', forged],
    ['whose head never ends', 'b"{" + b"x" * 3_000_000', forged],
  ])('%s disturbs nobody else', async (_what, frame, why) => {
    const neighbour = start(server);
    await neighbour.ready;
    const runner = start(`
import os, sys, time
def main():
    token = sys.stdout.buffer._token
    data = b"\\x1e" + token.encode() + b" " + ${frame} + b"\\n"
    while data: data = data[os.write(1, data):]
    os._exit(0)
`);
    expect((await runner.exited).reason).toMatch(why);
    expect(await neighbour.handle.probe(5)).toBe(true);
    expect(neighbour.order).toEqual(['started', 'ready']);
  });
});

describe('a runner of an ordinary user', () => {
  it.skipIf(!existsSync('/usr/bin/python3'))(
    'cannot look into supervisor, keeper and other programs of its user',
    async () => {
      const { environment, folder } = ofOrdinaryUser(lab.work);
      const text = `
import os
def main():
    keeper = os.getppid()
    with open(f"/proc/{keeper}/stat") as file: supervisor = int(file.read().rpartition(")")[2].split()[1])
    for pid in (keeper, supervisor, int(os.environ["OTHER"])):
        for what, look in (("environ", open), ("fd/0", os.readlink), ("mem", open), ("root/", os.listdir)):
            try:
                look(f"/proc/{pid}/{what}")
                print("saw", what, flush=True)
            except OSError as error: print("refused", what, type(error).__name__, flush=True)
    print(os.getuid() != 0, len(os.listdir("/proc/self/fd")) > 0, flush=True)
`;
      // In its own user namespace, even if it has the same user: none of the runner's rights apply outside of it.
      const asUser =
        process.getuid?.() === 0
          ? ['setpriv', `--reuid=${ordinaryUser}`, `--regid=${ordinaryUser}`, '--clear-groups']
          : [];
      const [command = '', ...args] = [...asUser, 'sleep', '1000'];
      const other = spawn(command, args, { stdio: 'ignore' });
      const env = { OTHER: String(other.pid) };
      const runner = start(text, { environment, runnerId: 'ordinary', dataDir: join(folder, 'data'), env });
      await runner.exited;
      other.kill();
      const printed = runner.lines.map((line) => line.text).filter((line) => !line.startsWith('minifal:'));
      const refused = ['environ', 'fd/0', 'mem', 'root/'].map((what) => `refused ${what} PermissionError`);
      expect(printed).toEqual([...refused, ...refused, ...refused, 'True True']);
    },
  );
});

describe('a runner that stops its supervisor', () => {
  it('ends when it is killed, and others start', async () => {
    const runner = start(`
import os, signal, time
def main():
    with open(f"/proc/{os.getppid()}/stat") as file: supervisor = int(file.read().rpartition(")")[2].split()[1])
    os.kill(supervisor, signal.SIGSTOP)
    open("stopped", "w").close()
    time.sleep(1000)
`);
    const app = join(lab.work.root, 'runners', runner.handle.runnerId, 'app', 'stopped');
    await expect.poll(() => existsSync(app), { timeout: 10_000 }).toBe(true);
    await start(server).ready;
    expect(runner.order).toEqual(['started']);
    runner.handle.kill();
    expect((await runner.exited).signal).toBe('SIGKILL');
  });
});

describe('a process from outside that floods the output of a runner', () => {
  it('does not occupy the supervisor when the runner is gone', async () => {
    const neighbour = start(server);
    await neighbour.ready;
    const runner = start(server);
    const [, pid] = (await runner.line(/^pids/)).text.split(' ');
    const flood = spawn('sh', ['-c', `exec yes > /proc/${pid}/fd/1`], { stdio: 'ignore' });
    try {
      await runner.line(/^y$/);
      runner.handle.kill();
      expect((await runner.exited).signal).toBe('SIGKILL');
      const later = start(server);
      await later.ready;
      expect(await neighbour.handle.probe(5)).toBe(true);
    } finally {
      flood.kill('SIGKILL');
    }
  });
});

describe('a supervisor without free descriptors', () => {
  it('refuses the start that needs them, keeps its runners, and starts others later', async () => {
    const first = start(server);
    await first.ready;
    const [, , keeper] = (await first.line(/^pids/)).text.split(' ');
    execFileSync('prlimit', ['--nofile=24', '--pid', String(parentOf(Number(keeper)))]);
    const more = Array.from({ length: 8 }, () => start(server));
    const outcomes = await Promise.all(
      more.map(async (runner) => {
        const ready = runner.ready.then(() => 'ready');
        return Promise.race([ready, runner.exited.then((exit) => exit.reason)]).catch(
          async () => (await runner.exited).reason,
        );
      }),
    );
    const refused = outcomes.filter((outcome) => outcome !== 'ready');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(more.length);
    for (const reason of refused) expect(reason).toMatch(/could not be started: .*Too many open files/);
    expect(await first.handle.probe(5)).toBe(true);
    for (const runner of more) runner.handle.kill();
    await Promise.all(more.map((runner) => runner.exited));
    await start(server).ready;
  });
});
