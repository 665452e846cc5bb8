import type { RunnerAddress } from '../../engine.ts';
import type { Place } from '../shell/shell.ts';

/** What is known of the runner's process; a second one takes the place of a fork that died while starting. */
export function newProcess() {
  let tellListening: (address: RunnerAddress) => void = () => undefined;
  const listening = new Promise<RunnerAddress>((resolve) => {
    tellListening = resolve;
  });
  return { place: laterPlace(), listening, tellListening, isGated: false, over: new AbortController() };
}

/** The place is known when both have come, in whatever order: the one from the keeper, the other from the runner. */
function laterPlace() {
  let heard: Partial<Place> = {};
  let resolve: (place: Place) => void = () => undefined;
  const known = new Promise<Place>((whenKnown) => {
    resolve = whenKnown;
  });
  function tell(more: Partial<Place>): void {
    heard = { ...heard, ...more };
    const { pid, missing, rules } = heard;
    if (pid !== undefined && missing !== undefined && rules !== undefined) resolve({ pid, missing, rules });
  }
  return { known, tell };
}
