import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, RunnerHandle } from '../../engine.ts';
import { watch, watchCommand } from '../../testing/watch.ts';
import { createProcessEngine } from '../process-engine.ts';
import { isAlive, until } from '../testing/processes.ts';
import {
  ofOrdinaryUser,
  ordinaryUser,
  plainPython,
  runnerSources,
  specFor,
  type WorkFolder,
  workFolder,
} from '../testing/runners.ts';

let work: WorkFolder;
let engine: Engine;

beforeAll(() => {
  work = workFolder();
  // The default isolation; other tests below and landlock.test.ts run without parts of it.
  engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'full', shown: [process.execPath] });
});
afterAll(async () => {
  await engine.close();
  work.remove();
});
const handles: RunnerHandle[] = [];
afterEach(() => {
  for (const handle of handles.splice(0)) handle.kill();
});

const app = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"the app"
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
def main():
    open("made-by-app", "w").write("mine")
    open("name", "w").write(os.uname().nodename)
    open("/data/made-by-app" if os.path.isdir("/data") else os.environ["CACHE"] + "/made-by-app", "w").write("shared")
    http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
`;

function runner(rest: Partial<Parameters<typeof specFor>[2]> = {}) {
  const dataDir = join(work.root, 'data');
  mkdirSync(dataDir, { recursive: true });
  const watched = watch(engine, specFor(work, app, { dataDir, env: { CACHE: '/data', GREETING: 'hello' }, ...rest }));
  handles.push(watched.handle);
  return watched;
}

describe('a command in a runner', () => {
  it("sees the app's files, data, variables, interpreter and host name, and reaches its declared port", async () => {
    const { handle, ready } = runner();
    await ready;
    const look = `
import json, os, urllib.request
print(json.dumps([open("made-by-app").read(), open(os.environ["CACHE"] + "/made-by-app").read(), os.environ["GREETING"],
  urllib.request.urlopen("http://127.0.0.1:8080/").read().decode(), os.getuid(),
  open("name").read() == os.uname().nodename]))`;
    const command = watchCommand(handle, ['python3', '-c', look]);
    expect([await command.exit, command.seen.err]).toEqual([0, '']);
    expect(JSON.parse(command.seen.out)).toEqual(['mine', 'shared', 'hello', 'the app', process.getuid?.(), true]);
  });

  it('can be started while the runner is still being created', async () => {
    const { handle } = runner();
    const command = watchCommand(handle, ['cat']);
    command.type('early\n');
    command.session.closeInput();
    expect([await command.exit, command.seen.out]).toEqual([0, 'early\n']);
  });

  it('separates stdout and stderr without a terminal, gets its input unchanged, returns its exit code', async () => {
    const { handle, ready } = runner();
    await ready;
    const command = watchCommand(handle, ['sh', '-c', 'cat; echo wrong >&2; tty; exit 7']);
    command.type('a\r\n\x03\x04b');
    command.session.closeInput();
    expect(await command.exit).toBe(7);
    expect(command.seen).toMatchObject({ out: 'a\r\n\x03\x04bnot a tty\n', err: 'wrong\n' });
  });

  it('answers as a shell does for a command that does not exist, or that a signal ends', async () => {
    const { handle, ready } = runner();
    await ready;
    const missing = watchCommand(handle, ['no-such-command']);
    expect([await missing.exit, missing.seen.err]).toEqual([127, 'no-such-command: not found\n']);
    expect(await watchCommand(handle, ['sh', '-c', 'kill -TERM $$']).exit).toBe(143);
    expect(await watchCommand(handle, ['/etc']).exit).toBe(126);
    expect(await watchCommand(handle, ['/etc/passwd/x']).exit).toBe(127);
  });

  it('skips entries of PATH that cannot be read, are relative, or are not folders', async () => {
    const closed = join(work.root, 'closed');
    mkdirSync(closed);
    // The folder can be listed, and so removed, but its contents can't be reached.
    chmodSync(closed, 0o600);
    const path = [closed, 'bin', '', '/etc/passwd', '/no/such/folder', process.env.PATH].join(delimiter);
    const { handle, ready } = runner({ env: { CACHE: '/data', PATH: path } });
    await ready;
    const missing = watchCommand(handle, ['no-such-command']);
    expect([await missing.exit, missing.seen.err]).toEqual([127, 'no-such-command: not found\n']);
    expect(await watchCommand(handle, ['sh', '-c', 'no-such-command']).exit).toBe(127);
    expect(await watchCommand(handle, ['sh', '-c', 'exit 5']).exit).toBe(5);
  });

  it('loses no byte of its last output, also when many run at once', async () => {
    const { handle, ready } = runner();
    await ready;
    const commands = Array.from({ length: 12 }, (_, n) =>
      watchCommand(handle, ['sh', '-c', `head -c 300000 /dev/zero; echo ${n}`], { tty: n % 2 === 0 }),
    );
    expect(await Promise.all(commands.map(({ exit }) => exit))).toEqual(commands.map(() => 0));
    commands.forEach(({ seen }, n) => {
      expect(seen.out.slice(300_000).trim()).toBe(String(n));
    });
  });

  it('blocks while its output is not read, and holds back its input while it does not read', async () => {
    const { handle, ready } = runner();
    await ready;
    const writing = watchCommand(handle, ['sh', '-c', 'echo first; exec head -c 20000000 /dev/zero']);
    await writing.shows('first');
    writing.session.pause();
    const reading = watchCommand(handle, ['sh', '-c', 'read line; exec wc -c']);
    const chunk = Buffer.alloc(100_000, 'x');
    let sent = 0;
    while (reading.session.write(chunk)) sent += chunk.length;
    sent += chunk.length;
    expect(sent).toBeLessThan(2_000_000);
    // Output in transit still arrives, then nothing more: another command gives it time meanwhile.
    await watchCommand(handle, ['sleep', '0.3']).exit;
    const held = writing.seen.bytes;
    expect(held).toBeLessThan(2_000_000);
    await watchCommand(handle, ['sleep', '0.1']).exit;
    expect(writing.seen.bytes).toBe(held);
    writing.session.resume();
    expect(await writing.exit).toBe(0);
    expect(writing.seen.bytes).toBe(20_000_006);
    reading.type('\nrest');
    reading.session.closeInput();
    expect([await reading.exit, reading.seen.out.trim()]).toEqual([0, '4']);
    expect(reading.seen.drained).toBeGreaterThan(0);
  });
});

describe('a shell on a terminal', () => {
  it('is a login shell with job control whose PATH is that of the runner', async () => {
    const { handle, ready } = runner({ env: { CACHE: '/data', PATH: `/venv/of/the/runner:${process.env.PATH}` } });
    await ready;
    const shell = watchCommand(handle, null, { tty: true, size: { rows: 33, columns: 111 } });
    const wait = "sh -c 'echo wait''ing; exec sleep 100'";
    shell.type(`stty -echo; echo p=$PATH; stty size; shopt login_shell; echo tty=$(tty); pwd; ${wait}\n`);
    // Printed by the command itself, because Ctrl-C must reach the command, not the shell that is about to start it.
    await shell.shows('waiting');
    shell.session.resize({ rows: 44, columns: 122 });
    shell.type('\x03stty size\nexit 5\n');
    expect(await shell.exit).toBe(5);
    expect(shell.seen.out).toMatch(/^p=\/venv\/of\/the\/runner:/m);
    expect(shell.seen.out).toMatch(/33 111[\s\S]*tty=\/dev\/pts\/\d+[\s\S]*44 122/);
    expect(shell.seen.err).toBe('');
  });

  it('ends at the end-of-input character', async () => {
    const { handle, ready } = runner();
    await ready;
    const shell = watchCommand(handle, null, { tty: true });
    await shell.shows('runner:');
    shell.session.closeInput();
    expect(await shell.exit).toBe(0);
  });
});

describe('the end of a command', () => {
  const leaveOne = 'sleep 1000 & echo $! $$; ';

  async function pidsOf(command: ReturnType<typeof watchCommand>): Promise<number[]> {
    await command.shows('\n');
    return command.seen.out.trim().split(' ').map(Number);
  }

  it('comes with the runner, for whatever it started', async () => {
    const { handle, ready } = runner();
    await ready;
    const running = watchCommand(handle, ['sh', '-c', `${leaveOne}sleep 1000`]);
    const finished = watchCommand(handle, ['sh', '-c', `${leaveOne}exit 0`]);
    const pids = [...(await pidsOf(running)), (await pidsOf(finished))[0] ?? 0];
    expect(await finished.exit).toBe(0);
    finished.session.kill();
    expect(isAlive(pids[2] ?? 0), 'what an ended command left in the background lives on').toBe(true);
    handle.kill();
    expect(await running.exit).toBe(137);
    expect([running.withRunner, finished.withRunner]).toEqual([[true], [undefined]]);
    await until(() => !pids.some(isAlive));
  });

  it('comes when it is killed, for all that it started', async () => {
    const { handle, ready } = runner();
    await ready;
    const command = watchCommand(handle, ['sh', '-mc', `${leaveOne}sleep 1000`], { tty: true });
    const pids = await pidsOf(command);
    expect(pids.every(isAlive)).toBe(true);
    command.session.kill();
    expect([await command.exit, command.withRunner]).toEqual([137, [undefined]]);
    await until(() => !pids.some(isAlive));
    expect(await handle.checkTcp()).toBe(true);
  });

  it('is immediate in a runner that has ended', async () => {
    const { handle, ready, exited } = runner();
    await ready;
    handle.kill();
    await exited;
    const late = watchCommand(handle, ['echo', 'x']);
    expect([await late.exit, late.withRunner]).toEqual([137, [true]]);
  });
});

it.skipIf(!existsSync('/usr/bin/python3'))(
  'works for an ordinary user, whose runner has a user namespace',
  async () => {
    const { environment, folder } = ofOrdinaryUser(work);
    const { handle, ready, lines } = runner({ environment, runnerId: 'ordinary', dataDir: folder });
    await ready;
    const command = watchCommand(handle, ['sh', '-c', 'cat made-by-app; pwd; id -u']);
    expect([await command.exit, command.seen.err]).toEqual([0, '']);
    const isReported = lines.some(({ text }) => text.startsWith("minifal: /data and /app can't be shown"));
    const user = process.getuid?.() === 0 ? ordinaryUser : process.getuid?.();
    expect(command.seen.out).toBe(`mine${isReported ? join(folder, 'app') : '/app'}\n${user}\n`);
  },
);

it('works where the runner cannot have namespaces', async () => {
  const python = work.file(`#!/bin/sh
exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces
exec setpriv --bounding-set=-all --inh-caps=-all python3 "$@"' sh "$@"
`);
  chmodSync(python, 0o755);
  const { handle, ready } = runner({ environment: { ...plainPython, id: 'forbidden-shell', python } });
  await ready;
  const command = watchCommand(handle, ['sh', '-c', 'cat made-by-app "$CACHE/made-by-app"']);
  expect([await command.exit, command.seen.out]).toEqual([0, 'mineshared']);
  expect(readFileSync(join(work.root, 'data', 'made-by-app'), 'utf8')).toBe('shared');
});
