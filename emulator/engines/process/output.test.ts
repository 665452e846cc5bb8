import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { watch } from '../testing/watch.ts';
import { engineLab } from './testing/lab.ts';
import { specFor } from './testing/runners.ts';

const lab = engineLab();

async function linesOf(text: string) {
  const runner = lab.start(text);
  await runner.exited;
  return runner.lines;
}

/** Sets the labels as the SDK's middleware does, then runs `body` as two interleaved requests, `r` naming each. */
function twoRequests(body: string): string {
  return `
import asyncio, os, sys, threading, subprocess
async def request(r):
    from __main__ import isolate_log_context
    isolate_log_context.set({"fal_request_id": r, "fal_endpoint": "/" + r})
    other = turns[r == "one"]; mine = turns[r == "two"]
${body
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
async def both():
    global turns
    turns = [asyncio.Event(), asyncio.Event()]
    turns[0].set()
    await asyncio.gather(request("one"), request("two"))
def main():
    asyncio.run(both())
    print("outside")
`;
}

const swap = 'await mine.wait(); mine.clear()';

describe('lines of a runner', () => {
  it('carry the request in which they were written, though two requests take turns', async () => {
    const lines = await linesOf(
      twoRequests(`for i in range(3):
    ${swap}
    print(r, "prints", i)
    print(r, "warns", file=sys.stderr)
    other.set()`),
    );
    for (const r of ['one', 'two']) {
      const own = lines.filter((line) => line.requestId === r);
      expect(own.filter((line) => line.stream === 'stdout').map((line) => line.text)).toEqual(
        [0, 1, 2].map((i) => `${r} prints ${i}`),
      );
      expect(own.filter((line) => line.stream === 'stderr').map((line) => line.text)).toEqual(
        Array(3).fill(`${r} warns`),
      );
      expect(new Set(own.map((line) => line.endpoint))).toEqual(new Set([`/${r}`]));
    }
    expect(lines.filter((line) => line.requestId === undefined).map((line) => line.text)).toEqual(['outside']);
  });

  it('that were written before an answer are reported on request', async () => {
    const app = `
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/print"): print("printed", self.path)
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *about): pass
def main(): http.server.HTTPServer(("", 8080), Handler).serve_forever()`;
    const runner = lab.start(app);
    const address = await runner.ready;
    for (let round = 0; round < 50; round++) {
      await fetch(`http://${address?.host}:${address?.port}/print/${round}`);
      await runner.handle.flushLines();
      expect(runner.lines.at(-1)?.text).toBe(`printed /print/${round}`);
    }
    runner.handle.kill();
    await runner.exited;
    // No more lines follow, so no caller waits.
    await runner.handle.flushLines();
  });

  it('stay complete when requests write half lines in turns', async () => {
    const lines = await linesOf(
      twoRequests(`for part in ("begin-", "middle-", "end\\n"):
    ${swap}
    print(r + part, end="")
    other.set()`),
    );
    expect(lines.map((line) => [line.requestId, line.text]).slice(0, 2)).toEqual([
      ['one', 'onebegin-onemiddle-oneend'],
      ['two', 'twobegin-twomiddle-twoend'],
    ]);
  });

  it('keep the order of labelled writes and raw ones on the same descriptor', async () => {
    const lines = await linesOf(
      twoRequests(`${swap}
print(r, "before")
os.write(1, b"raw of " + r.encode() + b"\\n")
subprocess.run(["echo", "child of", r])
print(r, "after")
other.set()`),
    );
    expect(lines.map((line) => `${line.text} (${line.requestId ?? '-'})`)).toEqual([
      ...['one', 'two'].flatMap((r) => [
        `${r} before (${r})`,
        `raw of ${r} (-)`,
        `child of ${r} (-)`,
        `${r} after (${r})`,
      ]),
      'outside (-)',
    ]);
  });

  it('are labelled from worker threads that inherit the context', async () => {
    const lines = await linesOf(
      twoRequests(`await asyncio.to_thread(print, r, "in a thread")
other.set()`),
    );
    expect(lines.filter((line) => line.requestId === 'two').map((line) => line.text)).toEqual(['two in a thread']);
  });

  it('of 10 MB come in pieces that add up, also labelled and with characters of several bytes', async () => {
    const seen = await linesOf(
      twoRequests(`if r == "one": print("π€" * 2_000_000)
else: os.write(2, b"x" * 10_000_000 + b"\\n")`),
    );
    // The beginning of the line may be shown before the rest arrives.
    const lines = seen.filter(({ unfinished }) => !unfinished);
    const one = lines.filter((line) => line.requestId === 'one').map((line) => line.text);
    expect(one.join('')).toBe('π€'.repeat(2_000_000));
    expect(Math.max(...one.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(64 * 1024);
    expect(
      lines
        .filter((line) => line.stream === 'stderr')
        .map((line) => line.text)
        .join(''),
    ).toBe('x'.repeat(10_000_000));
  });

  it('are text whatever the bytes are, and a forged frame is only text', async () => {
    const lines = await linesOf(
      String.raw`
import os, sys
def main():
    os.write(1, b"\xff\xfe broken\r\n")
    os.write(1, b'\x1e0123456789abcdef0123456789abcdef {"k": 1, "requestId": "forged"}2\x1fhi\n')
    sys.stdout.buffer.write(b"bytes\n")
    sys.stdout.write("no end")
    os._exit(0)`,
    );
    expect(lines.map((line) => line.text)).toEqual([
      '\ufffd\ufffd broken',
      '\x1e0123456789abcdef0123456789abcdef {"k": 1, "requestId": "forged"}2\x1fhi',
      'bytes',
      'no end',
    ]);
    expect(lines.some((line) => line.requestId !== undefined)).toBe(false);
  });

  it('that are unfinished (progress bars, no newline) are reported as they are, and once when complete', async () => {
    const spec = specFor(
      lab.work,
      String.raw`
import os, subprocess, sys, time
def wait(name):
    while not os.path.exists(name): time.sleep(0.01)
def main():
    sys.stderr.write("\r10%")
    wait("first")
    sys.stderr.write("\r20%\r30%")
    wait("second")
    sys.stderr.write("\rdone\n")
    subprocess.run(["printf", "from a child: "])
    wait("third")
    os.write(1, b"end\n\r    \rnext\r\n")
    sys.stdout.write("\r  \r")`,
    );
    const runner = watch(lab.engine, spec);
    const go = (name: string) => writeFileSync(join(lab.work.root, 'runners', spec.runnerId, 'app', name), '');
    expect(await runner.line(/^10%$/)).toMatchObject({ unfinished: true, stream: 'stderr' });
    go('first');
    await runner.line(/^30%$/);
    go('second');
    expect(await runner.line(/^from a child: $/)).toMatchObject({ unfinished: true, stream: 'stdout' });
    go('third');
    await runner.exited;
    const whole = runner.lines.filter(({ unfinished }) => !unfinished).map(({ text }) => text);
    expect(whole).toEqual(['done', 'from a child: end', 'next']);
    expect(runner.lines.map(({ text }) => text)).not.toContain('20%');
  });

  it('that are rewritten repeatedly are reported ten times a second at most, however many there are', async () => {
    const before = performance.now();
    const lines = await linesOf(
      `
import sys
def main():
    for i in range(300_000): sys.stdout.write(f"\\r{i}")
    sys.stdout.write("\\n")`,
    );
    const states = lines.filter(({ unfinished }) => unfinished);
    expect(states.length).toBeLessThanOrEqual((performance.now() - before) / 100);
    expect(lines.filter(({ unfinished }) => !unfinished).map(({ text }) => text)).toEqual(['299999']);
  });

  it('of a flood all arrive', async () => {
    const lines = await linesOf('def main():\n    for i in range(200_000): print(i)');
    expect(lines.filter(({ unfinished }) => !unfinished).length).toBe(200_000);
    expect(lines.at(-1)?.text).toBe('199999');
  });
});

describe('carriage returns without end', () => {
  it('are not text: the line is the text after them', async () => {
    const lines = await linesOf(`
import os
def main():
    os.write(1, b"old")
    for _ in range(20): os.write(1, b"\\r" * 65536)
    os.write(1, b"new\\n")
    for _ in range(20): os.write(2, b"\\r" * 65536)
`);
    const seen = lines.filter(({ unfinished }) => !unfinished).map(({ text, stream }) => [stream, text]);
    expect(seen).toEqual([['stdout', 'new']]);
  });
});

describe('a task that outlives its request', () => {
  it('may write without making the runner keep data about the request', async () => {
    const lines = await linesOf(`
import sys
def main():
    from __main__ import isolate_log_context
    for number in range(1000):
        isolate_log_context.set({"fal_request_id": str(number), "fal_endpoint": "/"})
        print("late")
    isolate_log_context.set({})
    print("kept", len(sys.stdout.buffer._open_lines))
`);
    expect(lines.at(-1)?.text).toBe('kept 0');
  });
});

describe('a file that the app has put in place of its stdout', () => {
  it('gets the output without our marks, and requests still work if the app closed the descriptor', async () => {
    const lines = await linesOf(`
import os, sys, tempfile
def main():
    from __main__ import isolate_log_context
    isolate_log_context.set({"fal_request_id": "one", "fal_endpoint": "/"})
    print("before")
    saved = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        print("captured")
        sys.stdout.buffer.mark({}, {"requestId": "one"}, None, True)
        os.dup2(saved, 1)
        file.seek(0)
        print("got", file.read())
    os.close(1)
    sys.stdout.buffer.mark({}, {"requestId": "one"}, None, True)
    os.dup2(saved, 1)
    print("after")
`);
    const output = lines.map(({ text, requestId }) => [text, requestId]);
    expect(output).toEqual([
      ['before', 'one'],
      ["got b'captured\\n'", 'one'],
      ['after', 'one'],
    ]);
  });
});

describe('an unfinished line', () => {
  async function isShown(length: number): Promise<boolean> {
    const spec = specFor(
      lab.work,
      `
import os, sys, time
def main():
    print("x" * ${length}, end="")
    sys.stderr.write("later")
    while not os.path.exists("go"): time.sleep(0.01)`,
    );
    const runner = watch(lab.engine, spec);
    await runner.line(/^later$/);
    writeFileSync(join(lab.work.root, 'runners', spec.runnerId, 'app', 'go'), '');
    await runner.exited;
    return runner.lines.some(({ unfinished, stream }) => unfinished && stream === 'stdout');
  }

  it('is shown, short or long, unless it is too long for a progress bar', async () => {
    const shown: boolean[] = [];
    for (const length of [10, 200, 4_096, 4_097]) shown.push(await isShown(length));
    expect(shown).toEqual([true, true, true, false]);
  });
});
