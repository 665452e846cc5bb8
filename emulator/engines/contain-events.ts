import { contain, type Report } from '../local/loop/contain.ts';
import type { RunnerEvents } from './engine.ts';

/** The same callbacks, wrapped so that they never throw. */
export function containEvents(events: RunnerEvents, failed: Report): RunnerEvents {
  return {
    pulling: contain(failed, (percent) => events.pulling(percent)),
    started: contain(failed, (pid?: number) => events.started(pid)),
    ready: contain(failed, (address) => events.ready(address)),
    line: contain(failed, (line) => events.line(line)),
    exception: contain(failed, (report) => events.exception(report)),
    step: contain(failed, (step) => events.step(step)),
    debug: contain(failed, (state) => events.debug(state)),
    result: contain(failed, (result) => events.result(result)),
    done: contain(failed, () => events.done()),
    exited: contain(failed, (exit) => events.exited(exit)),
  };
}
