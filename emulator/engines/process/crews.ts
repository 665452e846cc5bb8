import type { Report } from '../../local/loop/contain.ts';
import { inSlices } from '../../local/loop/slices.ts';
import type { Command, Message } from './messages.ts';
import type { ProcessRunner } from './runner/runner.ts';
import type { Supervisor } from './supervisor.ts';
import type { Virtualenv } from './virtualenv.ts';

/** How long a supervisor without runners is kept: a changed requirement leaves the old environment behind. */
const idleMs = 600_000;

interface Crew {
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
interface Seat {
  send(command: Command): void;
  /** From now on the runner receives the messages about it. */
  take(runner: ProcessRunner): void;
  /** The runner has ended. */
  leave(): void;
}

/** The supervisors of environments, each with its runners. */
export interface Crews {
  /** Prepares the supervisor of an environment for its first runner. */
  warm(environment: Virtualenv): void;
  join(environment: Virtualenv, runnerId: string): Seat;
  /** Whether an environment with this id has a supervisor. */
  has(environmentId: string): boolean;
  /** Kills every runner, and resolves when the supervisors are gone. */
  close(): Promise<void>;
}

/** `start`: starts the supervisor of an environment. */
export function createCrews(
  start: (environment: Virtualenv, events: SupervisorEvents) => Supervisor,
  report: Report,
): Crews {
  const crews = new Map<string, Crew>();
  let closed = false;

  function crewOf(environment: Virtualenv): Crew {
    const key = keyOf(environment);
    const there = crews.get(key);
    if (there) return there;
    const runners = new Map<string, ProcessRunner>();
    const supervisor = start(environment, {
      onMessage: (message) => runners.get(message.id)?.receive(message),
      onGone(reason, cause) {
        if (crews.get(key) === crew) crews.delete(key);
        inSlices([...runners.values()], (runner) => runner.lost(reason, cause)).catch(report);
      },
    });
    const crew: Crew = { supervisor, runners, idle: null };
    crews.set(key, crew);
    return crew;
  }

  function closeWhenIdle(key: string, crew: Crew): void {
    if (crew.runners.size > 0 || closed) return;
    crew.idle = setTimeout(() => {
      if (crews.get(key) === crew) crews.delete(key);
      void crew.supervisor.close();
    }, idleMs).unref();
  }

  return {
    warm(environment) {
      const key = keyOf(environment);
      if (!crews.has(key)) closeWhenIdle(key, crewOf(environment));
    },
    join(environment, runnerId) {
      const crew = crewOf(environment);
      if (crew.idle) clearTimeout(crew.idle);
      crew.idle = null;
      return {
        send: crew.supervisor.send,
        take: (runner) => void crew.runners.set(runnerId, runner),
        leave() {
          crew.runners.delete(runnerId);
          closeWhenIdle(keyOf(environment), crew);
        },
      };
    },
    has: (environmentId) => [...crews.keys()].some((key) => key.startsWith(`${environmentId}\n`)),
    async close() {
      closed = true;
      for (const { runners } of crews.values()) for (const runner of runners.values()) runner.handle.kill();
      await Promise.all([...crews.values()].map(({ supervisor }) => supervisor.close()));
    },
  };
}

/**
 * A forced rebuild keeps the id but has new folders, which don't contain the modules that the old supervisor imported.
 */
export function keyOf({ id, python, extraPaths }: Virtualenv): string {
  return [id, python, ...extraPaths].join('\n');
}
