import type { Report } from '../../local/loop/contain.ts';
import { inSlices } from '../../local/loop/slices.ts';
import type { Message } from '../supervised/messages.ts';
import type { Command } from './messages.ts';
import type { ProcessRunner } from './runner/runner.ts';
import type { Supervisor } from './supervisor.ts';
import type { Virtualenv } from './virtualenv.ts';

/** How long a supervisor without runners is kept: a changed requirement leaves the old environment behind. */
const idleMs = 600_000;

interface SupervisedRunners {
  readonly supervisor: Supervisor;
  readonly runners: Map<string, ProcessRunner>;
  idle: NodeJS.Timeout | null;
}

/** What a supervisor reports. */
export interface SupervisorEvents {
  onMessage(message: Message): void;
  onGone(reason: string, cause?: 'supervisor_lost'): void;
}

/** The place of one runner below its supervisor. */
interface RunnerSlot {
  send(command: Command): void;
  /** From now on the runner receives the messages about it. */
  take(runner: ProcessRunner): void;
  /** The runner has ended. */
  leave(): void;
}

/** The supervisors of environments, each with its runners. */
export interface Supervisors {
  /** Prepares the supervisor of an environment for its first runner. */
  warm(environment: Virtualenv): void;
  join(environment: Virtualenv, runnerId: string): RunnerSlot;
  /** See Engine. */
  wantPlaces(wanted: boolean): void;
  /** Whether an environment with this id has a supervisor. */
  has(environmentId: string): boolean;
  /** Kills every runner, and resolves when the supervisors are gone. */
  close(): Promise<void>;
}

/** `start`: starts the supervisor of an environment. */
export function createSupervisors(
  start: (environment: Virtualenv, events: SupervisorEvents) => Supervisor,
  report: Report,
): Supervisors {
  const entries = new Map<string, SupervisedRunners>();
  let closed = false;
  let placesWanted = false;

  function entryOf(environment: Virtualenv): SupervisedRunners {
    const key = keyOf(environment);
    const there = entries.get(key);
    if (there) return there;
    const runners = new Map<string, ProcessRunner>();
    const supervisor = start(environment, {
      onMessage: (message) => runners.get(message.id)?.receive(message),
      onGone(reason, cause) {
        if (entries.get(key) === entry) entries.delete(key);
        inSlices([...runners.values()], (runner) => runner.lost(reason, cause)).catch(report);
      },
    });
    const entry: SupervisedRunners = { supervisor, runners, idle: null };
    entries.set(key, entry);
    if (placesWanted) supervisor.send({ op: 'places', wanted: true });
    return entry;
  }

  function closeWhenIdle(key: string, entry: SupervisedRunners): void {
    if (entry.runners.size > 0 || closed) return;
    entry.idle = setTimeout(() => {
      if (entries.get(key) === entry) entries.delete(key);
      void entry.supervisor.close();
    }, idleMs).unref();
  }

  return {
    warm(environment) {
      const key = keyOf(environment);
      if (!entries.has(key)) closeWhenIdle(key, entryOf(environment));
    },
    join(environment, runnerId) {
      const entry = entryOf(environment);
      if (entry.idle) clearTimeout(entry.idle);
      entry.idle = null;
      return {
        send: entry.supervisor.send,
        take: (runner) => void entry.runners.set(runnerId, runner),
        leave() {
          entry.runners.delete(runnerId);
          closeWhenIdle(keyOf(environment), entry);
        },
      };
    },
    wantPlaces(wanted) {
      placesWanted = wanted;
      for (const { supervisor } of entries.values()) supervisor.send({ op: 'places', wanted });
    },
    has: (environmentId) => [...entries.keys()].some((key) => key.startsWith(`${environmentId}\n`)),
    async close() {
      closed = true;
      for (const { runners } of entries.values()) for (const runner of runners.values()) runner.handle.kill();
      await Promise.all([...entries.values()].map(({ supervisor }) => supervisor.close()));
    },
  };
}

/**
 * A forced rebuild keeps the id but has new folders, which don't contain the modules that the old supervisor imported.
 */
export function keyOf({ id, python, extraPaths }: Virtualenv): string {
  return [id, python, ...extraPaths].join('\n');
}
