import { rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineRefusal, isEngineGone } from '../../local/docker/api.ts';
import { contain, type Report } from '../../local/loop/contain.ts';
import { UserError, withCode } from '../../wire/errors.ts';
import { containEvents } from '../contain-events.ts';
import { debugEnded, noDebuggerInImage, notDebuggable, notInImage } from '../debug-refusals.ts';
import type { RunnerAddress, RunnerEvents, RunnerExit, RunnerHandle, RunnerSpec } from '../engine.ts';
import { exitReason, signalName } from '../exit.ts';
import { probeHealth } from '../health/health.ts';
import { createProbeLines } from '../health/probe-lines.ts';
import { untilHealthy } from '../health/readiness.ts';
import { createExceptionReader } from '../last-exception.ts';
import { notForDevelopment, notReady, notSwappable, runnerEnded } from '../swap-refusals.ts';
import { createCommands, type Target } from './commands.ts';
import type { ContainedProgram } from './contained-program.ts';
import { createContainer, type NewContainer, startContainer, wasOutOfMemory } from './container.ts';
import { createEquipment } from './equipment.ts';
import { isGpuRefusal, startWithGpus } from './gpu-requests.ts';
import { sizesLate } from './held-command.ts';
import type { ContainerImage } from './image.ts';
import type { Link } from './link.ts';
import { watchListeners } from './listeners.ts';
import { createOutput } from './output.ts';
import { holdsConnections, untilClosed } from './tcp-check.ts';
import { secretVariables } from './variables.ts';

/** How long the last lines of a container that has ended may take. */
const lastLinesMs = 2_000;

export interface ContainerRunnerDeps {
  readonly spec: RunnerSpec<ContainerImage>;
  readonly events: RunnerEvents;
  readonly link: () => Promise<Link>;
  /** The value of `ownerLabel`. */
  readonly owner: string;
  readonly caBundle: string | undefined;
  readonly clock: () => number;
  readonly report: Report;
  /** How long the container may take to end after it was killed; then the engine has a problem. */
  readonly killMs: number;
  /** Called once, after `exited`. */
  readonly onExited: () => void;
  /** The folder `runner/`. */
  readonly runnerSources: string;
  /** The runner's own folder, not created yet. Nobody else reaches it. */
  readonly folder: string;
  /** Programs of ours for containers. */
  readonly tools: string;
  /** Absent: the image is run as it is. */
  readonly program?: ContainedProgram;
}

/** One runner in a container, from its start to its `exited`. */
export function createContainerRunner(deps: ContainerRunnerDeps): RunnerHandle {
  const { spec, folder, clock, report, program } = deps;
  const equipment = program ?? createEquipment(spec.env, folder);
  const events = containEvents(deps.events, fail);
  const ended = new AbortController();
  const probes = createProbeLines(spec.health);
  const noteProbe = program?.noteProbe ?? probes.sent;
  const exceptions = createExceptionReader();
  /** It ended, or is to end, before its container was started. */
  const givenUp = new AbortController();
  let asked: 'nothing' | 'terminate' | 'kill' = 'nothing';
  let container: NewContainer | null = null;
  /** Where its port is published. */
  let published: RunnerAddress | null = null;
  let address: RunnerAddress | null = null;
  let isReady = false;
  let isStarted = false;
  let whyUnreached: () => Promise<string | null> = async () => null;
  /** It became ready, or ended. */
  const settled = new AbortController();
  /** Why we ended it. */
  let cause: string | null = null;
  let readAll: Promise<unknown> = Promise.resolve();
  let unwatch = (): void => undefined;

  const output = createOutput((stream, text) => {
    if (probes.isOurs(text)) return;
    events.line({ at: clock(), stream, text });
    if (!isReady) exceptions.read(text);
  });
  let runs: (target: Target) => void = () => undefined;
  const running = new Promise<Target>((resolve) => {
    runs = resolve;
  });
  const commands = createCommands({
    env: secretVariables(spec.env),
    started: running,
    ended: ended.signal,
    isEnding: () => asked === 'kill',
    report,
  });

  function end(exit: RunnerExit): void {
    if (ended.signal.aborted) return;
    ended.abort();
    settled.abort();
    unwatch();
    output.end();
    const isDone = program?.ending().isDone;
    events.exited({ ...exit, reason: cause ?? exit.reason, ...(isDone ? { done: true } : {}) });
    equipment.close();
    deps.onExited();
  }

  function fail(error: unknown): void {
    deps.report(error);
    cause ??= `The runner was ended because of a bug in minifal: ${error instanceof Error ? error.message : error}`;
    ask('kill');
  }

  async function died(code: number): Promise<void> {
    // A container may have ended before the engine has said that it started.
    const closed = published && untilClosed(published, ended.signal);
    const all = Promise.all([running, readAll, program?.silent, closed]);
    await Promise.race([all, delay(lastLinesMs, undefined, { ref: false })]);
    const known = program?.ending();
    const isSignal = code > 128 && signalName(code - 128)?.startsWith('SIG');
    const exit = known?.exit ?? { code: isSignal ? null : code, signal: isSignal ? code - 128 : null };
    const clues = { returned: false, failure: null, place: null, advice: null, ...known };
    const lastException = known?.lastException ?? exceptions.last();
    const reason = exitReason({ ...clues, ...exit, lastException, asked, ready: isReady });
    const said = known?.exit?.error === undefined ? reason : `The runner ${known.exit.error}`;
    const isOutOfMemory =
      asked === 'nothing' && container !== null && (await wasOutOfMemory(container, code).catch(() => false));
    const about = { code: exit.code, signal: signalName(exit.signal), reason: said };
    end({ ...about, ...(isOutOfMemory ? { outOfMemory: true } : {}) });
  }

  function lost(): void {
    const reason = 'The container engine was stopped or restarted, and the runner with it.';
    end({ code: null, signal: null, reason, cause: 'supervisor_lost' });
  }

  function ask(how: 'terminate' | 'kill'): void {
    if (ended.signal.aborted || asked === 'kill' || asked === how) return;
    asked = how;
    givenUp.abort();
    settled.abort();
    if (how === 'kill') setTimeout(giveUp, deps.killMs).unref();
    if (isReady) signal();
    else if (isStarted) void sayUnreached().then(signal);
  }

  async function sayUnreached(): Promise<void> {
    const why = await whyUnreached();
    if (why !== null && !ended.signal.aborted) say(why);
  }

  /** The container is removed when the engine answers again. */
  function giveUp(): void {
    end({ code: null, signal: null, reason: 'The runner was killed, which the container engine has not confirmed.' });
  }

  /** What was asked for. The container may be gone meanwhile, which is what was wanted. */
  function signal(): void {
    if (container === null || asked === 'nothing') return;
    const { link, id } = container;
    const query = { signal: asked === 'kill' ? 'SIGKILL' : 'SIGTERM' };
    link.engine.api.send({ method: 'POST', path: `/containers/${id}/kill`, query }).catch((error: unknown) => {
      // Without an engine, `lost` reports the end.
      if (error instanceof EngineRefusal && ![404, 409].includes(error.status)) deps.report(error);
    });
  }

  function read(stream: Duplex): void {
    readAll = new Promise<void>((resolve) => {
      stream.on(
        'data',
        contain(fail, (chunk: Buffer) => output.write(chunk)),
      );
      stream.on('error', () => resolve());
      stream.on('close', () => resolve());
      stream.on('end', () => {
        stream.destroy();
        resolve();
      });
    });
  }

  async function begin(): Promise<void> {
    try {
      const inside = await equipment.prepare();
      if (ended.signal.aborted) return equipment.close();
      const link = await deps.link();
      const own = await startWithGpus(link.engine, spec.gpus ?? [], (deviceRequests) =>
        launch({ ...deps, link, events, signal: givenUp.signal, inside, deviceRequests }),
      );
      if (own === null) return;
      const { started } = own;
      isStarted = true;
      published = started.address;
      signal();
      events.started(started.pid);
      sayMissing();
      if (own.dataTrouble !== null) say(own.dataTrouble);
      if (spec.mode === 'serve' && started.pid !== undefined) {
        whyUnreached = watchListeners(started.pid, own.ports.app, settled.signal, say);
      }
      runs({ api: link.engine.api, id: own.id, sizesLate: sizesLate(link.engine) });
      await becomeReady(started.address);
    } catch (error) {
      if (asked !== 'nothing' && !isStarted) return end(stoppedEarly);
      if (!(error instanceof UserError || error instanceof EngineRefusal || isEngineGone(error))) deps.report(error);
      end({ code: null, signal: null, reason: `The container could not be started: ${reasonOf(error)}` });
    }
  }

  /** @returns null: the runner has ended. Rejects after a refusal of GPUs, and nothing is left of the container. */
  async function launch(order: Parameters<typeof createContainer>[0]) {
    const own = await createContainer(order);
    const { link, id } = own;
    container = own;
    if (ended.signal.aborted) {
      void link.remove(id);
      return null;
    }
    if (asked !== 'nothing') {
      end(stoppedEarly);
      return null;
    }
    unwatch = link.watch(id, { died: contain(fail, died), lost });
    if (link.isLost) {
      lost();
      return null;
    }
    read(await link.engine.api.upgrade(own.attach, 'tcp'));
    if (asked !== 'nothing') {
      end(stoppedEarly);
      return null;
    }
    try {
      return { ...own, started: await startContainer(own) };
    } catch (error) {
      if (isGpuRefusal(error)) {
        unwatch();
        container = null;
        await link.remove(id);
      }
      throw error;
    }
  }

  /** In the runner's own log. */
  function say(text: string): void {
    events.line({ at: clock(), stream: 'stderr', text: `minifal: ${text}` });
  }

  /** What a container doesn't have, though it was asked for. */
  function sayMissing(): void {
    if (spec.waitsForDebugger && program === undefined) {
      say(`The runner doesn't wait for a debugger: ${noDebuggerInImage}`);
    }
  }

  async function becomeReady(where: RunnerAddress): Promise<void> {
    if (program !== undefined && spec.mode === 'call') {
      await program.loaded;
      if (ended.signal.aborted) return;
      isReady = true;
      events.ready(null);
      return;
    }
    const listening = program?.listening.then(() => where) ?? new Promise<RunnerAddress>(() => undefined);
    const secretNow = program?.secretNow ?? (() => ({}));
    const healthy = await untilHealthy(where, listening, spec.health, ended.signal, secretNow, noteProbe);
    if (healthy === null) return;
    isReady = true;
    settled.abort();
    program?.becameReady();
    address = healthy;
    events.ready(healthy);
  }

  begin().catch(fail);
  return {
    runnerId: spec.runnerId,
    call: () => undefined,
    terminate: () => ask('terminate'),
    kill: () => ask('kill'),
    async probe(timeoutSeconds) {
      if (address === null || ended.signal.aborted) return false;
      return (await probeHealth(address, spec.health, timeoutSeconds, noteProbe)) !== 'unhealthy';
    },
    async checkTcp() {
      if (address === null || ended.signal.aborted) return false;
      return holdsConnections(address, spec.health.timeoutSeconds);
    },
    async flushLines() {
      // The engine passes lines on as they are written. What it has passed on is read before its next answer.
      if (ended.signal.aborted || container === null) return;
      await container.link.engine.api.send({ method: 'GET', path: '/_ping' }).catch(() => undefined);
    },
    async swap() {
      if (ended.signal.aborted) return runnerEnded;
      if (!spec.development) return notForDevelopment;
      return isReady ? notSwappable : notReady;
    },
    debug: async () => {
      if (ended.signal.aborted) return debugEnded;
      return spec.mode === 'serve' ? notInImage : notDebuggable;
    },
    undebug: () => undefined,
    stacks: async () => null,
    exec: commands,
    async dispose() {
      await container?.link.remove(container.id);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const stoppedEarly = { code: null, signal: null, reason: 'The runner was stopped before it started.' };

function reasonOf(error: unknown): string {
  if (error instanceof UserError) return withCode(error);
  if (isEngineGone(error)) return `the container engine doesn't answer (${error.code}).`;
  return error instanceof Error ? error.message : String(error);
}
