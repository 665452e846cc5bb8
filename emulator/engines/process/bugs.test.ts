import { afterEach, describe, expect, it } from 'vitest';
import type { ExecIo, RunnerEvents, RunnerExit, RunnerSpec } from '../engine.ts';
import { engineLab } from './testing/lab.ts';
import { plainPython, specFor } from './testing/runners.ts';
import type { Virtualenv } from './virtualenv.ts';

const lab = engineLab({ report: (error) => bugs.push(error) });
let bugs: unknown[] = [];

afterEach(() => {
  bugs = [];
});

function start(text: string, rest: Partial<RunnerSpec<Virtualenv>> = {}) {
  return lab.start(text, rest);
}

const server = `
import http.server, sys, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = urllib.parse.unquote(self.path) in ("/health", "/he alth", "/健康", "/100%", "/a#b")
        self.send_response(200 if known else 404); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *args): pass
def main():
    print("serving", flush=True)
    http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
`;
const answer = 'def main(): return 7';

/** Starts a runner whose owner throws once at this event; resolves to the runner's end. */
function startThrowing(
  event: keyof RunnerEvents,
  text: string,
  rest: Partial<RunnerSpec<Virtualenv>>,
): Promise<RunnerExit> {
  return new Promise((resolve) => {
    const handler = (name: keyof RunnerEvents) => () => {
      if (name === event) throw new Error(`planted in ${name}`);
    };
    const handle = lab.engine.start(specFor(lab.work, text, rest), {
      pulling: handler('pulling'),
      exception: handler('exception'),
      debug: handler('debug'),
      started: handler('started'),
      ready() {
        handler('ready')();
        if (rest.mode === 'call') handle.call();
      },
      line: handler('line'),
      step: handler('step'),
      result: handler('result'),
      done: handler('done'),
      exited(exit) {
        resolve(exit);
        handler('exited')();
      },
    });
    lab.killLater(handle);
    if (event === 'exited') handle.kill();
  });
}

describe('a callback that throws', () => {
  it.each([
    ['started', server, {}],
    ['ready', server, {}],
    ['line', server, {}],
    ['result', answer, { mode: 'call' }],
  ] as const)('%s ends its runner alone, and the log hears of it', async (event, text, rest) => {
    const neighbour = start(server);
    await neighbour.ready;
    const exit = await startThrowing(event, text, rest);
    expect(exit.reason).toBe(`The runner was ended because of a bug in minifal: planted in ${event}`);
    expect(bugs).toEqual([new Error(`planted in ${event}`)]);
    expect(await neighbour.handle.probe(5)).toBe(true);
    expect(neighbour.order).toEqual(['started', 'ready']);
  });

  it('exited affects no other runner', async () => {
    const neighbour = start(server);
    await neighbour.ready;
    await startThrowing('exited', server, {});
    expect(bugs).toEqual([new Error('planted in exited')]);
    expect(await neighbour.handle.probe(5)).toBe(true);
  });

  it.each(['output', 'exited'] as const)('%s of a command in a runner ends that command alone', async (event) => {
    const runner = start(server);
    await runner.ready;
    await new Promise<void>((resolve) => {
      const io: ExecIo = {
        output() {
          if (event === 'output') throw new Error('planted');
        },
        drained: () => undefined,
        exited() {
          resolve();
          if (event === 'exited') throw new Error('planted');
        },
      };
      const command = event === 'output' ? 'echo hello; sleep 1000' : 'exit 0';
      runner.handle.exec(['sh', '-c', command], { tty: false }, io);
    });
    expect(bugs).toEqual([new Error('planted')]);
    expect(await runner.handle.probe(5)).toBe(true);
  });
});

describe('a health check as an app may declare it', () => {
  it.each(['/he alth', '/健康', '/100%', '/a#b'])('%s is requested', async (path) => {
    await start(server, { health: { path, method: 'GET', timeoutSeconds: 10_000_000 } }).ready;
  });

  it.each(['no slash', '/\ud800', '/\0', '', `/${'x'.repeat(100_000)}`])('%j does no harm', async (path) => {
    const health = { path, method: 'GET', timeoutSeconds: Number.MAX_SAFE_INTEGER } as const;
    const runner = start(server, { health });
    await runner.line(/^serving/);
    runner.handle.kill();
    await runner.exited;
    expect(bugs).toEqual([]);
  });
});

describe('a start', () => {
  it.each([
    ['a path below a file', `${import.meta.filename}/python`],
    ['a folder', import.meta.dirname],
    ['a name with NUL', 'py\0thon'],
    ['a name that is too long', `/${'x'.repeat(5_000)}`],
    ['nothing', '/no/such/python'],
  ])('with %s for a Python never throws, and fails that runner', async (_what, python) => {
    const runner = start(server, { environment: { ...plainPython, id: python, python } });
    expect((await runner.exited).reason).toMatch(/^The environment's Python can't be started: /);
    const code = await new Promise<number>((resolve) => {
      runner.handle.exec(null, { tty: true }, { output() {}, drained() {}, exited: resolve });
    });
    expect([126, 137]).toContain(code);
  });
});
