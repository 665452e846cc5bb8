import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Watched } from '../testing/watch.ts';
import { engineLab } from './testing/lab.ts';

const lab = engineLab();

/**
 * A server that reports what `early` yields, and then, for each change that it is given, what `answers(swap, file)`
 * yields.
 */
function start(answers: string, early = 'yield {"event": "swappable"}'): Watched {
  const app = `
import http.server, json, os, socket, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *args): pass
def early():
    ${early}
def answers(swap, file):
    ok = {"event": "swapped", "swap": swap, "ms": 1, "waited": 0, "cleared": [], "kept": []}
    no = {"event": "unswapped", "swap": swap, "code": "refused", "text": "because", "remedy": "no"}
${answers.replace(/^/gm, '    ')}
def channel():
    for name in os.listdir("/proc/self/fd"):
        link = "/proc/self/fd/" + name
        if os.path.lexists(link) and os.readlink(link).startswith("socket:"):
            return instead_of(int(name))
def instead_of(descriptor):
    # Our own reader of commands ends at a file that isn't its own; what is reported still gets through.
    own = socket.socket(fileno=os.dup(descriptor))
    ours, theirs = socket.socketpair()
    os.dup2(theirs.fileno(), descriptor)
    threading.Thread(target=forward, args=(ours, own), daemon=True).start()
    return own
def forward(source, target):
    while data := source.recv(65536): target.sendall(data)
def talk(channel, say):
    for line in channel.makefile():
        command = json.loads(line)
        for report in answers(command["swap"], command["file"]): say(report)
def main():
    own = channel()
    say = lambda report: own.sendall(json.dumps(report).encode() + b"\\n")
    for report in early(): say(report)
    threading.Thread(target=talk, args=(own, say), daemon=True).start()
    http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
`;
  return lab.start(app, { development: true });
}

const change = { delta: Buffer.from('new'), patienceSeconds: 1 };
const outOfOrder = /"(un)?swapped" out of order/;

describe('a runner that answers a change of its code', () => {
  it('once gives the outcome, each time', async () => {
    const runner = start('yield ok if os.path.exists(file) and swap == 1 else no');
    await runner.ready;
    expect(await runner.handle.swap(change)).toMatchObject({ ok: true, ms: 1, waitedMs: 0 });
    expect(await runner.handle.swap(change)).toEqual({ ok: false, code: 'refused', text: 'because', remedy: 'no' });
    expect(readdirSync(join(lab.work.root, 'runners', runner.handle.runnerId, 'exchange'))).toEqual([]);
  });

  it.each([
    ['twice', 'yield ok\nyield ok', outOfOrder],
    ['in both ways', 'yield no\nyield ok', outOfOrder],
    ['with the number of another', 'yield {**ok, "swap": swap + 1}', outOfOrder],
    ['with an unknown code', 'yield {**no, "code": "no_answer"}', /an unknown report/],
    ['with endless names', 'yield {**ok, "kept": ["x"] * 51}', /an unknown report/],
    ['with a long name', 'yield {**ok, "cleared": ["x" * 201]}', /an unknown report/],
    ['with a long reason', 'yield {**no, "text": "x" * 2001}', /an unknown report/],
    ['with names that are none', 'yield {**ok, "cleared": [1]}', /an unknown report/],
    ['in negative time', 'yield {**ok, "ms": -1}', /an unknown report/],
    ['with a flood', 'while True: yield {**no, "swap": 0}', outOfOrder],
  ])('%s is ended, and affects no other runner', async (_how, answers, why) => {
    const neighbour = start('yield ok');
    const runner = start(answers);
    await Promise.all([runner.ready, neighbour.ready]);
    // The first answer is an outcome, if it is a right one; at the latest the runner's end is one.
    expect(await runner.handle.swap(change)).toHaveProperty('ok');
    expect((await runner.exited).reason).toMatch(why);
    expect(await runner.handle.swap(change)).toMatchObject({ ok: false, code: 'runner_ended' });
    expect(await neighbour.handle.probe(5)).toBe(true);
    expect(await neighbour.handle.swap(change)).toMatchObject({ ok: true });
  });

  it('before it was asked is ended', async () => {
    const early = 'yield {"event": "swapped", "swap": 1, "ms": 1, "waited": 0, "cleared": [], "kept": []}';
    const runner = start('yield ok', early);
    expect((await runner.exited).reason).toMatch(outOfOrder);
  });

  it('with its end has ended, whatever it reported last', async () => {
    const runner = start('os._exit(3)\nyield ok');
    await runner.ready;
    expect(await runner.handle.swap(change)).toMatchObject({ ok: false, code: 'runner_ended' });
    expect(await runner.exited).toMatchObject({ code: 3 });
  });

  it('never, and stops reading: the engine gives up, and its owner can end it', async () => {
    const runner = start('time.sleep(1000)\nyield ok');
    await runner.ready;
    const outcome = await runner.handle.swap({ ...change, patienceSeconds: 0 });
    expect(outcome).toMatchObject({ ok: false, code: 'no_answer' });
    expect(await runner.handle.swap(change)).toMatchObject({ ok: false, code: 'no_answer' });
    expect(await runner.handle.probe(5)).toBe(true);
    runner.handle.kill();
    expect(await runner.exited).toMatchObject({ signal: 'SIGKILL' });
    expect(existsSync(join(lab.work.root, 'runners', runner.handle.runnerId, 'exchange', 'change-1'))).toBe(false);
  }, 20_000);
});
