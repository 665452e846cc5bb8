import type { Report } from '../../../local/loop/contain.ts';
import type { RunnerAddress, RunnerSpec } from '../../engine.ts';
import { untilHealthy } from '../../health/readiness.ts';
import type { Message } from '../messages.ts';
import type { Place } from '../shell/shell.ts';

type Of<Event extends Message['event']> = Extract<Message, { event: Event }>;

/** The state of the runner's process; a second process replaces a fork that died while starting. */
export interface RunnerProcess {
  /** Its place, known once both its keeper and the process itself have reported. */
  readonly place: Promise<Place>;
  started(message: Of<'started'>): void;
  entered(message: Of<'entered'>): void;
  /** Its server requires the secret. */
  gated(): void;
  listening(message: Of<'listening'>): void;
  /** The process is gone: stop waiting for its server. */
  close(): void;
}

/** `onHealthy` is called when the app answers at the address. */
export function newProcess(deps: {
  readonly spec: Pick<RunnerSpec, 'mode' | 'health'>;
  readonly secret: string;
  readonly onHealthy: (address: RunnerAddress) => void;
  readonly probeSent: (port: number) => void;
  readonly failed: Report;
}): RunnerProcess {
  const { spec, secret } = deps;
  const over = new AbortController();
  const place = laterPlace();
  let isGated = false;
  let tellListening: (address: RunnerAddress) => void = () => undefined;
  const listening = new Promise<RunnerAddress>((resolve) => {
    tellListening = resolve;
  });
  const secretNow = () => (isGated ? { secret } : {});

  return {
    place: place.known,
    started: place.tell,
    entered(message) {
      place.tell(message);
      if (spec.mode !== 'serve') return;
      const guess = message.isReported ? null : { host: message.host, port: message.port };
      untilHealthy(guess, listening, spec.health, over.signal, secretNow, deps.probeSent).then((found) => {
        if (found) deps.onHealthy(found);
      }, deps.failed);
    },
    gated() {
      isGated = true;
    },
    listening: ({ host, port }) => tellListening({ host, port }),
    close: () => over.abort(),
  };
}

/** The place is known when both parts have arrived, in any order: one from the keeper, the other from the runner. */
function laterPlace() {
  let heard: Partial<Place> = {};
  let resolve: (place: Place) => void = () => undefined;
  const known = new Promise<Place>((whenKnown) => {
    resolve = whenKnown;
  });
  function tell(more: Partial<Place>): void {
    heard = { ...heard, ...more };
    const { pid, missing, rules, door } = heard;
    if (pid !== undefined && missing !== undefined && rules !== undefined && door !== undefined)
      resolve({ pid, missing, rules, door });
  }
  return { known, tell };
}
