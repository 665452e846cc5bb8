import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { contain, type Report } from '../../../local/loop/contain.ts';
import type { IsolationMode } from '../../../wire/isolation.ts';
import type {
  Callable,
  CallResult,
  RunnerAddress,
  RunnerEvents,
  RunnerExit,
  RunnerHandle,
  RunnerSpec,
} from '../../engine.ts';
import { acceptsConnections, probeHealth } from '../../health/health.ts';
import { createProbeLines } from '../../health/probe-lines.ts';
import { untilHealthy } from '../../health/readiness.ts';
import { environmentUpper, handOver, layerOf, prepareFolder, type RunnerFolder } from '../disk/folder.ts';
import { type LayerSizes, mostLayerBytes } from '../disk/layer-sizes.ts';
import type { Command, Message, StartMethod } from '../messages.ts';
import type { Shells } from '../shell/shell.ts';
import type { Virtualenv } from '../virtualenv.ts';
import { exitReason, signalName } from './exit.ts';
import { createExceptionReader } from './last-exception.ts';
import { portInUse } from './port-in-use.ts';
import { newProcess } from './runner-process.ts';

const defaultPort = 8080;
const linesPatienceMs = 1_000;
/** Signals by which a library dies that can't bear being forked after its import. */
const forkDeaths = ['SIGSEGV', 'SIGABRT', 'SIGBUS'];

export interface ProcessRunner {
  readonly handle: RunnerHandle;
  receive(message: Message): void;
  /** Its supervisor is gone, and with it the process. */
  lost(reason: string, cause?: RunnerExit['cause']): void;
}

/** One runner of the process engine, from the order to start it to its `exited`. */
export function createRunner(deps: {
  readonly spec: RunnerSpec<Virtualenv>;
  readonly events: RunnerEvents;
  readonly folder: RunnerFolder;
  /** The machine's variables; `env` contains them. */
  readonly machine: { readonly [name: string]: string };
  readonly env: { readonly [name: string]: string };
  readonly shells: Shells;
  readonly addresses: readonly string[];
  readonly now: () => number;
  readonly report: Report;
  readonly startMethod: () => StartMethod;
  /** Forked processes of this environment die: use `spawn` from now on. */
  readonly avoidFork: () => void;
  readonly send: (command: Command) => void;
  /** Where its servers that aren't Python's have the machine's addresses, the mode of isolation; else `null`. */
  readonly sharesPorts: () => IsolationMode | null;
  readonly layerSizes: LayerSizes;
  /** Of what it wrote to the folder of its environment. */
  readonly keepBytecode: (upper: string) => Promise<void>;
  /** Removes its folder. */
  readonly remove: (path: string) => Promise<void>;
  readonly onExited: () => void;
}): ProcessRunner {
  const { spec, folder } = deps;
  const id = spec.runnerId;
  const end = new AbortController();
  const secret = randomBytes(32).toString('hex');
  let current = newProcess();
  let asked: 'nothing' | 'terminate' | 'kill' = 'nothing';
  let sent: StartMethod | null = null;
  let handed: { readonly callable: Callable; readonly setup?: Callable } = { callable: spec.callable };
  let started = false;
  let ready = false;
  let exited = false;
  let address: RunnerAddress | null = null;
  let failure: string | null = null;
  /** What to do about it. */
  let advice: string | null = null;
  /** Why we ended it. */
  let ended: string | null = null;
  let unwatch = (): void => undefined;
  const events = containEvents(deps.events, fail);
  let done = false;
  let returned = false;
  const exceptions = createExceptionReader();
  const probeLines = createProbeLines(spec.health);
  /** Who waits for the answer to `tell`, in the order of asking. */
  let listeners: (() => void)[] = [];

  function exit(code: number | null, signal: number | null, reason: string, cause?: RunnerExit['cause']): void {
    if (exited) return;
    exited = true;
    unwatch();
    end.abort();
    current.over.abort();
    for (const resolve of listeners) resolve();
    listeners = [];
    events.exited({
      code,
      signal: signalName(signal),
      reason: ended ?? reason,
      ...(cause ? { cause } : {}),
      ...(done ? { done } : {}),
    });
    deps.onExited();
  }

  /** Something of ours, or who we called back, failed at this runner: nothing about it is certain any more. */
  function fail(error: unknown): void {
    deps.report(error);
    ended ??= `The runner was ended because of a bug in minifal: ${error instanceof Error ? error.message : error}`;
    ask('kill');
  }

  function endFor(why: string): void {
    ended ??= `The runner was ended because ${why}`;
    events.line({ at: deps.now(), stream: 'stderr', text: `[minifal] ${ended}` });
    ask('kill');
  }

  async function begin(): Promise<void> {
    try {
      await prepareFolder(folder, spec.appFiles);
      handed = {
        callable: await handOver(folder, spec.callable, 'function'),
        ...(spec.setup ? { setup: await handOver(folder, spec.setup, 'setup') } : {}),
      };
      await mkdir(spec.dataDir, { recursive: true });
    } catch (error) {
      exit(null, null, `The runner's folder could not be prepared: ${error instanceof Error ? error.message : error}`);
      return;
    }
    if (exited) return;
    if (asked === 'nothing') launch();
    else exit(null, null, 'The runner was ended before it started.');
  }

  function launch(): void {
    sent = deps.startMethod();
    unwatch();
    // With /app and what it exchanges with us, which are on the same disk.
    unwatch = deps.layerSizes.watch(folder.path, endFor);
    deps.send({
      op: 'start',
      id,
      startMethod: sent,
      mode: spec.mode,
      ...handed,
      env: deps.env,
      appDir: folder.appDir,
      hasAppFiles: spec.appFiles.length > 0,
      dataDir: spec.dataDir,
      mountPoint: folder.mountPoint,
      layerDir: layerOf(folder, sent),
      exchangeDir: folder.exchangeDir,
      mostBytes: mostLayerBytes,
      resultFile: folder.resultFile,
      declaredPort: spec.declaredPort ?? defaultPort,
      addresses: deps.addresses,
      secret,
    });
  }

  function becomeReady(where: RunnerAddress | null): void {
    if (ready || exited) return;
    ready = true;
    address = where;
    events.ready(where);
  }

  function readBeforeReady(line: string): void {
    exceptions.read(line);
    const mode = deps.sharesPorts();
    if (mode === null || advice !== null || spec.mode !== 'serve') return;
    advice = portInUse(line, mode);
    if (advice !== null) events.line({ at: deps.now(), stream: 'stderr', text: `[minifal] ${advice}` });
  }

  function onExit(message: Extract<Message, { event: 'exited' }>): void {
    const signal = signalName(message.signal);
    if (sent === 'fork' && !ready && asked === 'nothing' && signal !== null && forkDeaths.includes(signal)) {
      deps.avoidFork();
      current.over.abort();
      current = newProcess();
      const text = `[minifal] The runner died by ${signal} while starting; runners of this environment now start from a Python of their own.`;
      events.line({ at: deps.now(), stream: 'stderr', text });
      launch();
      return;
    }
    const reason =
      message.error === undefined
        ? exitReason({ ...message, asked, ready, returned, failure, lastException: exceptions.last(), advice })
        : `The runner ${message.error}`;
    exit(message.code, message.signal, reason);
  }

  function receive(message: Message): void {
    switch (message.event) {
      case 'started':
        current.place.tell(message);
        if (!started) events.started();
        started = true;
        return;
      case 'entered':
        current.place.tell(message);
        if (spec.mode === 'serve') {
          const { listening, over } = current;
          const secretNow = () => (current.isGated ? { secret } : {});
          const guess = message.isReported ? null : { host: message.host, port: message.port };
          void untilHealthy(guess, listening, spec.health, over.signal, secretNow, probeLines.sent).then((found) => {
            if (found) becomeReady(found);
          }, fail);
        }
        return;
      case 'gated':
        current.isGated = true;
        return;
      case 'listening':
        current.tellListening({ host: message.host, port: message.port });
        return;
      case 'loaded':
        becomeReady(null);
        return;
      case 'done':
        done = true;
        events.done();
        return;
      case 'returned':
        returned = true;
        return;
      case 'failed':
        failure = message.reason;
        return;
      case 'line': {
        const { stream, text, requestId, endpoint, unfinished } = message;
        if (!unfinished && probeLines.isOurs(text)) return;
        const labels = { ...(requestId ? { requestId } : {}), ...(endpoint ? { endpoint } : {}) };
        events.line({ at: deps.now(), stream, text, ...labels, ...(unfinished ? { unfinished } : {}) });
        if (!ready && !unfinished) readBeforeReady(text);
        return;
      }
      case 'told':
        listeners.shift()?.();
        return;
      case 'result':
        events.result(callResult(message, folder.resultFile));
        return;
      case 'refused':
        events.result({ kind: 'refused', reason: message.reason });
        return;
      case 'exited':
        onExit(message);
    }
  }

  function linesTold(): Promise<void> {
    if (exited || sent === null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, linesPatienceMs);
      listeners.push(() => {
        clearTimeout(timer);
        resolve();
      });
      deps.send({ op: 'tell', id });
    });
  }

  function ask(how: 'terminate' | 'kill'): void {
    if (exited || asked === 'kill' || asked === how) return;
    asked = how;
    // Before it was sent there is nothing to signal: `begin` sees it.
    if (sent !== null) deps.send({ op: how, id });
  }

  begin().catch(fail);
  return {
    handle: {
      runnerId: id,
      call: () => deps.send({ op: 'call', id }),
      terminate: () => ask('terminate'),
      kill: () => ask('kill'),
      probe: async (timeoutSeconds) =>
        address !== null && (await probeHealth(address, spec.health, timeoutSeconds, probeLines.sent)) !== 'unhealthy',
      linesTold,
      checkTcp: async () =>
        address !== null && (await acceptsConnections(address, spec.health.timeoutSeconds)) !== 'unhealthy',
      exec: (command, options, io) => {
        const { machine, env } = deps;
        const target = { python: spec.environment.python, machine, env, place: current.place.known, ended: end.signal };
        return deps.shells.open({ ...target, appDir: folder.appDir, dataDir: spec.dataDir }, command, options, io);
      },
      async dispose() {
        if (sent !== null) await deps.keepBytecode(environmentUpper(folder, sent));
        await deps.remove(folder.path);
      },
    },
    receive: contain(fail, receive),
    lost: (reason, cause) =>
      asked === 'kill' ? exit(null, null, 'The runner was killed, as asked.') : exit(null, null, reason, cause),
  };
}

/** The same callbacks, which never throw. */
function containEvents(events: RunnerEvents, failed: Report): RunnerEvents {
  return {
    pulling: contain(failed, (percent) => events.pulling(percent)),
    started: contain(failed, () => events.started()),
    ready: contain(failed, (address) => events.ready(address)),
    line: contain(failed, (line) => events.line(line)),
    result: contain(failed, (result) => events.result(result)),
    done: contain(failed, () => events.done()),
    exited: contain(failed, (exit) => events.exited(exit)),
  };
}

function callResult(message: Extract<Message, { event: 'result' }>, file: string): CallResult {
  const { method, raised } = message;
  if (raised === null) return { kind: 'value', method, file, raised: false };
  return { kind: 'value', method, file, ...raised, raised: true };
}
