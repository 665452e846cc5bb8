import { afterEach, describe, expect, it } from 'vitest';
import { engineLab } from './testing/lab.ts';

const lab = engineLab();

describe('the place of a line', () => {
  afterEach(() => lab.engine.wantPlaces(false));

  const app = `
import http.server, logging, os, subprocess, sys, threading, traceback, warnings
import json.encoder
def say(path):
    if path == "/plain":
        print("one argument")  # plain
        print("several", "arguments", 3)  # several
        sys.stdout.write("written\\n")  # written
        print("two\\nlines")  # two
        print("a\\nb", "c\\nd")  # four
        print("error", file=sys.stderr)  # error
    if path == "/pieces":
        print("begun here", end="")  # begun
        print(" and ended there")
        print("whole")  # whole
        print("left open", end="\\r")  # open
        print("redrawn")
        print("two", end="")  # pair
        print("\\nnext\\nlast")  # next
        print("x" * 9000 + "\\nend")  # long
    if path == "/libraries":
        logging.getLogger("x").warning("logged")  # logged
        warnings.warn("warned")  # warned
        thread = threading.Thread(target=lambda: print("in a thread"))  # thread
        thread.start()
        thread.join()
        exec("print('executed')")  # executed
    if path == "/nowhere":
        os.write(1, b"raw\\n")
        subprocess.run(["echo", "child"])
        threading.Thread(target=print, args=("of no code",)).start()
    if path == "/traceback":
        try: raise ValueError("first\\nsecond")
        except ValueError: traceback.print_exc()  # printed
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        say(self.path)
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *about): pass
def main():
    print("starts")
    http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()`;
  const numberOf = (mark: string) => app.split('\n').findIndex((line) => line.endsWith(`# ${mark}`)) + 1;

  async function started() {
    const runner = lab.start(app);
    const address = await runner.ready;
    return {
      runner,
      /** The lines that a call prints, each with the mark of the line of code that its place names. */
      async call(path: string) {
        const before = runner.lines.length;
        await fetch(`http://${address?.host}:${address?.port}${path}`);
        await runner.handle.flushLines();
        const marks = new Map([...app.matchAll(/# (\w+)$/gm)].map(([, mark = '']) => [numberOf(mark), mark]));
        // Each stream keeps its order, but the two have none between them.
        const lines = runner.lines.slice(before).filter(({ unfinished }) => !unfinished);
        return [
          ...lines.filter(({ stream }) => stream === 'stdout'),
          ...lines.filter(({ stream }) => stream === 'stderr'),
        ].map(({ text, place }) => {
          if (place) expect(place.file).toMatch(/app_under_test\.py$/);
          const mark = place ? (marks.get(place.line) ?? place.line) : null;
          return place?.continues ? [text, mark, 'continues'] : [text, mark];
        });
      },
    };
  }

  it('is that of the code which printed or logged it, directly or through a library', async () => {
    lab.engine.wantPlaces(true);
    const { runner, call } = await started();
    expect((await runner.line(/^starts/)).place?.line).toBe(numberOf('printed') + 7);
    expect(await call('/plain')).toEqual([
      ['one argument', 'plain'],
      ['several arguments 3', 'several'],
      ['written', 'written'],
      ['two', 'two'],
      ['lines', 'two', 'continues'],
      ['a', 'four'],
      ['b c', 'four', 'continues'],
      ['d', 'four', 'continues'],
      ['error', 'error'],
    ]);
    expect(await call('/pieces')).toEqual([
      ['begun here and ended there', 'begun'],
      ['whole', 'whole'],
      ['redrawn', 'open'],
      ['two', 'pair'],
      ['next', 'next'],
      ['last', 'next', 'continues'],
      ['x'.repeat(9000), 'long'],
      ['end', 'long', 'continues'],
    ]);
    const shown = await call('/libraries');
    expect(shown.filter(([text]) => !/^ /.test(String(text)))).toEqual([
      ['in a thread', 'thread'],
      ['executed', 'executed'],
      ['logged', 'logged'],
      [expect.stringContaining('UserWarning: warned'), 'warned'],
    ]);
    expect(await call('/nowhere')).toEqual(
      expect.arrayContaining([
        ['raw', null],
        ['child', null],
      ]),
    );
    expect((await runner.line(/^of no code/)).place).toBeUndefined();
    const traceback = await call('/traceback');
    expect(traceback.map(([text]) => text)).toEqual([
      'Traceback (most recent call last):',
      expect.stringContaining('app_under_test.py'),
      expect.stringContaining('try: raise ValueError'),
      ...traceback.slice(3, -2).map(([text]) => text),
      'ValueError: first',
      'second',
    ]);
    expect(new Set(traceback.map(([, mark]) => mark))).toEqual(new Set(['printed']));
    // Its parts are printed one by one.
    expect(traceback.map((line) => line.length).slice(-2)).toEqual([2, 3]);
    runner.handle.kill();
  });

  it('is noted only while it is wanted', async () => {
    const { runner, call } = await started();
    const first = async () => (await call('/plain'))[0];
    expect(await first()).toEqual(['one argument', null]);
    lab.engine.wantPlaces(true);
    await runner.handle.flushLines();
    expect(await first()).toEqual(['one argument', 'plain']);
    lab.engine.wantPlaces(false);
    await runner.handle.flushLines();
    expect(await first()).toEqual(['one argument', null]);
    runner.handle.kill();
  });
});
