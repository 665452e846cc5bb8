import type { Report } from '../../../local/loop/contain.ts';
import type { RunnerAddress, RunnerSpec } from '../../engine.ts';
import { untilHealthy } from '../../health/readiness.ts';
import type { Message } from '../../supervised/messages.ts';
import type { Place } from '../shell/shell.ts';

type MessageOf<Event extends Message['event']> = Extract<Message, { event: Event }>;

/** The state of the runner's process; a second process replaces a fork that died while starting. */
export interface RunnerProcess {
  /** Its place, known once both its keeper and the process itself have reported. */
  readonly place: Promise<Place>;
  started(message: MessageOf<'started'>): void;
  entered(message: MessageOf<'entered'>): void;
  /** Its server requires the secret. */
  gated(): void;
  listening(message: MessageOf<'listening'>): void;
  /** The process is gone: stop waiting for its server. */
  close(): void;
}

/** `onHealthy` is called when the app answers at the address. */
export function newProcess(deps: {
  readonly spec: Pick<RunnerSpec, 'mode' | 'health'>;
  readonly secret: string;
  readonly onHealthy: (address: RunnerAddress) => void;
  readonly noteProbe: (port: number) => void;
  readonly failed: Report;
}): RunnerProcess {
  const { spec, secret } = deps;
  const over = new AbortController();
  const place = laterPlace();
  let isGated = false;
  let resolveListening: (address: RunnerAddress) => void = () => undefined;
  const listening = new Promise<RunnerAddress>((resolve) => {
    resolveListening = resolve;
  });
  const secretNow = () => (isGated ? { secret } : {});

  return {
    place: place.known,
    started: place.add,
    entered(message) {
      place.add(message);
      if (spec.mode !== 'serve') return;
      const guess = message.isReported ? null : { host: message.host, port: message.port };
      untilHealthy(guess, listening, spec.health, over.signal, secretNow, deps.noteProbe).then((found) => {
        if (found) deps.onHealthy({ ...found, metricsPort: message.metricsPort });
      }, deps.failed);
    },
    gated() {
      isGated = true;
    },
    listening: ({ host, port }) => resolveListening({ host, port }),
    close: () => over.abort(),
  };
}

/** The place is known when both parts have arrived, in any order: one from the keeper, the other from the runner. */
function laterPlace() {
  let parts: Partial<Place> = {};
  let resolve: (place: Place) => void = () => undefined;
  const known = new Promise<Place>((whenKnown) => {
    resolve = whenKnown;
  });
  function add(more: Partial<Place>): void {
    parts = { ...parts, ...more };
    const { pid, missing, rules, door } = parts;
    if (pid !== undefined && missing !== undefined && rules !== undefined && door !== undefined)
      resolve({ pid, missing, rules, door });
  }
  return { known, add };
}
