import { randomBytes } from 'node:crypto';
import { appendFile, chmod, copyFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { asDiskTrouble } from '../../../local/disk-trouble.ts';
import { contain, type Report } from '../../../local/loop/contain.ts';
import { containEvents } from '../../contain-events.ts';
import type { Callable, RunnerEvents, RunnerHandle, RunnerSpec } from '../../engine.ts';
import { handlersOf } from '../../supervised/handlers.ts';
import { createLines } from '../../supervised/lines.ts';
import type { RunnerCommand } from '../../supervised/messages.ts';
import { createReports } from '../../supervised/reports.ts';
import { createSwaps } from '../../supervised/swaps.ts';
import { metricsPortIn, portIn } from '../app-ports.ts';
import type { ContainedProgram, ProgramEnding } from '../contained-program.ts';
import type { ContainerInside } from '../container-options.ts';
import { createEquipment, makeShown, socketsInside } from '../equipment.ts';
import type { ContainerImage, IsolatedPython } from '../image.ts';
import { type ContainedMessage, messagesOf, sendTo } from './control.ts';
import { type DebugRoom, debugInContainer, type ImageDebuggers } from './debug.ts';
import type { Places } from './places.ts';

const mib = 1024 ** 2;
/** A function's value, at most. */
const maxResultMib = 1024;

/** Where a container has what we give it. */
const inside = {
  runner: '/minifal/runner',
  order: '/minifal/order',
  packages: '/minifal/packages',
} as const;
const controlName = 'control';

export interface IsolatedProgram
  extends ContainedProgram,
    Pick<RunnerHandle, 'flushLines' | 'swap' | 'debug' | 'undebug' | 'stacks'> {
  call(): void;
}

interface ProgramDeps {
  readonly spec: RunnerSpec<ContainerImage>;
  readonly isolated: IsolatedPython;
  readonly events: RunnerEvents;
  /** The runner's own folder, not created yet. Nobody else reaches it. */
  readonly folder: string;
  readonly clock: () => number;
  readonly report: Report;
  readonly places: Pick<Places, 'follow'>;
  readonly debuggers: ImageDebuggers;
  /** Default: `maxResultMib`. */
  readonly maxMib?: number;
}

/** The runner program in a container: a function of the SDK on the image's own Python. */
export function createProgram(deps: ProgramDeps): IsolatedProgram {
  const { spec, isolated, clock, maxMib = maxResultMib } = deps;
  const events = containEvents(deps.events, deps.report);
  const id = spec.runnerId;
  const secret = randomBytes(32).toString('hex');
  const order = join(deps.folder, 'order');
  const resultFile = join(deps.folder, 'result');
  const [loaded, setLoaded] = later();
  const [listening, setListening] = later();
  const [silent, setSilent] = later();
  const equipment = createEquipment(spec.env, deps.folder, async (sockets) => {
    await sockets.listen(controlName, contain(deps.report, attend));
    await sockets.listen(room.socketName, room.carry);
  });
  let control: Socket | null = null;
  let [isGated, isReady, isClosed, resultBytes] = [false, false, false, 0];
  let exit: ProgramEnding['exit'] = null;

  const lines = createLines({
    spec,
    events,
    clock,
    sharesPorts: () => null,
    isStarting: () => !isReady,
    ask() {
      const isThere = control !== null && exit === null;
      if (control !== null && isThere) sendTo(control, { op: 'flush', id });
      return isThere;
    },
  });
  const reports = createReports({ events, lines, clock, resultFile, onLoaded: setLoaded });
  void loaded.then(becameReady);
  const swaps = createSwaps({
    spec,
    folder: { exchangeDir: order, seenAs: inside.order },
    send,
    isReady: () => isReady,
    isOver,
  });
  const { debugging, room } = debugInContainer({
    ...deps,
    send,
    isOver,
    onState(state) {
      swaps.setPaused(state === 'paused');
      events.debug(state);
    },
  });
  const handlers: { readonly [event: string]: ((one: never) => void) | undefined } = handlersOf(
    reports,
    swaps,
    debugging,
  );

  function send(command: RunnerCommand): void {
    if (control !== null) sendTo(control, command);
  }

  function isOver(): boolean {
    return exit !== null || isClosed;
  }

  function becameReady(): void {
    isReady = true;
  }

  async function take(message: ContainedMessage): Promise<void> {
    if (message.event === 'piece') {
      const bytes = Buffer.from(message.data, 'base64');
      resultBytes += bytes.length;
      if (resultBytes <= maxMib * mib) return appendFile(resultFile, bytes).catch(valueLost);
      return endWith(`the value of its function has more than ${maxMib} MiB`);
    }
    if (message.event === 'gated') isGated = true;
    else if (message.event === 'listening') setListening();
    else if (message.event === 'exited') exit = { ...message };
    else handlers[message.event]?.(message as never);
  }

  /** @throws what isn't the disk's fault */
  function valueLost(error: unknown): void {
    const trouble = asDiskTrouble(error);
    if (!trouble) throw error;
    endWith(`the value of its function can't be kept: ${trouble.message}`);
  }

  function endWith(why: string): void {
    exit = { code: null, signal: null, error: `was ended because ${why.replace(/\.$/, '')}.` };
  }

  async function attend(socket: Socket): Promise<void> {
    // The supervisor is the first to connect: no code of the app runs before it.
    if (control !== null) return void socket.destroy();
    control = socket;
    const unfollow = deps.places.follow((wanted) => sendTo(socket, { op: 'places', wanted }));
    sendTo(socket, startCommand());
    try {
      for await (const message of messagesOf(socket, id)) {
        await take(message);
        // Nothing follows; and without its connection, the supervisor ends the container.
        if (isOver()) break;
      }
    } catch (error) {
      // A connection that was cut; the container's end follows.
      if (!isCut(error)) deps.report(error);
    } finally {
      unfollow();
      socket.destroy();
      lines.close();
      setSilent();
    }
  }

  function startCommand() {
    const at = (index: number) => `${inside.packages}/${index}`;
    const first = isolated.firstPaths.length;
    return {
      op: 'start',
      id,
      mode: spec.mode,
      callable: insideOrder(spec.callable, 'function'),
      ...(spec.setup ? { setup: insideOrder(spec.setup, 'setup') } : {}),
      declaredPort: portIn(spec),
      declaredMetricsPort: metricsPortIn(spec),
      secret,
      firstPaths: isolated.firstPaths.map((_, index) => at(index)),
      extraPaths: isolated.extraPaths.map((_, index) => at(first + index)),
      development: spec.development ?? false,
      debugger: spec.mode === 'serve' && (spec.waitsForDebugger ?? false),
    } as const;
  }

  return {
    loaded,
    listening,
    silent,
    noteProbe: lines.noteProbe,
    becameReady,
    flushLines: lines.allReported,
    swap: swaps.swap,
    debug: debugging.debug,
    undebug: debugging.undebug,
    stacks: debugging.stacks,
    secretNow: () => (isGated ? { secret } : {}),
    call: () => send({ op: 'call', id }),
    async prepare() {
      await makeShown(order);
      await handOver(spec.callable, join(order, 'function'));
      if (spec.setup) await handOver(spec.setup, join(order, 'setup'));
      return insideOf(deps, room, order, await equipment.prepare());
    },
    ending: () => ({ ...reports.clues(), exit, isDone: reports.isDone() }),
    close() {
      equipment.close();
      isClosed = true;
      lines.close();
      swaps.close();
      debugging.close();
    },
  };
}

function insideOf(
  { isolated }: ProgramDeps,
  room: DebugRoom,
  order: string,
  { carried, mounts, ...equipment }: ContainerInside,
): ContainerInside {
  const packages = [...isolated.firstPaths, ...isolated.extraPaths];
  const contained = join(inside.runner, 'supervisor', 'contained.py');
  return {
    ...equipment,
    carried: [...carried, room.forward(socketsInside)],
    command: [isolated.command, contained, `${socketsInside}/${controlName}`],
    mounts: {
      ...mounts,
      [inside.runner]: isolated.runner,
      [inside.order]: order,
      ...room.mounts,
      ...Object.fromEntries(packages.map((path, index) => [`${inside.packages}/${index}`, path])),
    },
  };
}

async function handOver(callable: Callable, file: string): Promise<void> {
  if (callable.kind !== 'pickle') return;
  await copyFile(callable.file, file);
  await chmod(file, 0o644);
}

function insideOrder(callable: Callable, name: string): Callable {
  return callable.kind === 'pickle' ? { ...callable, file: `${inside.order}/${name}` } : callable;
}

function later(): readonly [Promise<void>, () => void] {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return [promise, () => resolve()];
}

function isCut(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
