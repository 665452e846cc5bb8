import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunnerAddress, RunnerLine } from '../engine.ts';
import { acceptsConnections, probeHealth } from '../health/health.ts';
import { untilHealthy } from '../health/readiness.ts';
import type { FakeProgram, FakeRunner } from './fake-engine.ts';

const killedBySomeone = 'The runner is gone: `its process died with <Signals.SIGKILL: 9>.`';

/** Open servers of fake runners. */
export const openServers = new Set<Server>();

/** Plays the runners of apps.py as HTTP servers of this process. */
export function playApp(runner: FakeRunner): FakeProgram {
  const { spec, events } = runner;
  const name = spec.callable.kind === 'entrypoint' ? spec.callable.name.replace(/^.*:/, '') : 'unloadable';
  const play = fakeApps[name];
  if (play === undefined) throw new Error(`No fake app is called ${name}.`);
  const program = play(runner);
  queueMicrotask(events.started);
  return program;
}

type FakeApp = (runner: FakeRunner) => FakeProgram;

const fakeApps: { readonly [name: string]: FakeApp } = {
  serve,
  serve_deaf: (runner) => ({ ...serve(runner), terminate: () => undefined }),
  serve_and_finish: (runner) => ({
    ...serve(runner),
    terminate() {
      print(runner, 'finished');
      end(runner, 0, "The runner's process exited with code 0.");
    },
  }),
  hang(runner) {
    setImmediate(() => print(runner, 'hangs'));
    return {};
  },
  fail(runner) {
    setImmediate(() => {
      print(runner, 'begins');
      print(runner, 'RuntimeError: no weights', { stream: 'stderr' });
      end(runner, 1, "The runner's process exited with code 1 before it was ready: RuntimeError: no weights");
    });
    return {};
  },
  die(runner) {
    setImmediate(() => runner.events.exited({ code: null, signal: 'SIGKILL', reason: killedBySomeone }));
    return {};
  },
  value(runner) {
    const folder = mkdtempSync(join(tmpdir(), 'minifal-fake-result-'));
    const program = loaded(runner, () => {
      print(runner, 'called');
      // "the value", pickled.
      const file = join(folder, 'result');
      writeFileSync(file, Buffer.from('\x80\x04\x8c\tthe value\x94.', 'latin1'));
      runner.events.result({ kind: 'value', method: 'pickle', file, raised: false });
    });
    return { ...program, dispose: () => rmSync(folder, { recursive: true, force: true }) };
  },
  warn: (runner) =>
    loaded(runner, () => {
      const raised = { exceptionType: 'ValueError', exceptionMessage: 'bad input', traceback: 'ValueError: bad input' };
      runner.events.result({ kind: 'value', method: 'pickle', file: '', raised: true, ...raised });
    }),
  unloadable(runner) {
    setImmediate(() => {
      const reason = 'The function could not be deserialized.';
      if (runner.spec.mode === 'call') runner.events.result({ kind: 'refused', reason });
      end(runner, 1, `The runner's process exited with code 1 before it was ready: ${reason}`);
    });
    return {};
  },
};

function loaded(runner: FakeRunner, call: () => void): FakeProgram {
  setImmediate(() => runner.events.ready(null));
  return {
    call: () =>
      void setImmediate(() => {
        call();
        end(runner, 0, "The runner's process exited with code 0.");
      }),
  };
}

function serve(runner: FakeRunner): FakeProgram {
  const { spec, events, ended } = runner;
  let address: RunnerAddress | null = null;
  let checks = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.startsWith('/print/')) {
      const requestId = String(request.headers['x-fal-request-id']);
      print(runner, `printed ${path}`, { requestId, endpoint: path });
      print(runner, `warned ${path}`, { requestId, endpoint: path, stream: 'stderr' });
    }
    if (path === '/die') return events.exited({ code: null, signal: 'SIGKILL', reason: killedBySomeone });
    const [, code] = /^\/exit\/(\d+)$/.exec(path) ?? [];
    if (code !== undefined) return end(runner, Number(code), `The runner's process exited with code ${code}.`);
    const isUnhealthy = path === '/health' && ++checks <= Number(spec.env.UNHEALTHY ?? 0);
    response.writeHead(isUnhealthy ? 503 : 200).end(path === '/checks' ? String(checks) : path);
  });
  openServers.add(server);
  ended.addEventListener('abort', () => {
    server.close().closeAllConnections();
    openServers.delete(server);
  });
  server.listen(0, '127.0.0.1', async () => {
    const { port } = server.address() as AddressInfo;
    const open = Promise.resolve({ host: '127.0.0.1', port });
    address = await untilHealthy(
      null,
      open,
      spec.health,
      ended,
      () => ({}),
      () => undefined,
    );
    if (address) events.ready(address);
  });
  const isHealthy = async (look: (address: RunnerAddress) => Promise<string>) =>
    address !== null && (await look(address)) !== 'unhealthy';
  return {
    probe: (timeoutSeconds) => isHealthy((at) => probeHealth(at, spec.health, timeoutSeconds)),
    checkTcp: () => isHealthy((at) => acceptsConnections(at)),
  };
}

function print({ events }: FakeRunner, text: string, rest: Partial<RunnerLine> = {}): void {
  events.line({ at: Date.now(), stream: 'stdout', text, ...rest });
}

function end({ events }: FakeRunner, code: number, reason: string): void {
  events.exited({ code, signal: null, reason });
}
