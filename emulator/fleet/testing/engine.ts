import type { RunnerEvents, RunnerSpec } from '../../engines/engine.ts';
import { noSession } from '../../engines/no-session.ts';
import { createFakeEngine } from '../../engines/testing/fake-engine.ts';

/** A fake engine whose runners are controlled by the test. */
export function scriptedEngine() {
  const started: { spec: RunnerSpec; events: RunnerEvents; deeds: string[]; called: Promise<void> }[] = [];
  const waiting: ((index: number) => void)[] = [];
  const engine = createFakeEngine(({ spec, events }) => {
    const deeds: string[] = [];
    let call = () => {};
    const called = new Promise<void>((resolve) => {
      call = resolve;
    });
    started.push({ spec, events, deeds, called });
    waiting.shift()?.(started.length - 1);
    return {
      call() {
        deeds.push('call');
        call();
      },
      terminate() {
        deeds.push('terminate');
        queueMicrotask(() => events.exited({ code: null, signal: 'SIGTERM', reason: 'ended by SIGTERM' }));
      },
      kill: () => void deeds.push('kill'),
      async probe(timeoutSeconds) {
        deeds.push(`probe ${timeoutSeconds}`);
        return true;
      },
      exec(command, _options, io) {
        deeds.push(`exec ${command?.join(' ')}`);
        queueMicrotask(() => io.exited(0));
        return noSession;
      },
      dispose: () => void deeds.push('dispose'),
    };
  });
  return {
    engine,
    started,
    /** The next runner that starts, made ready unless `up` is false. */
    async next(up = true) {
      const index = await new Promise<number>((resolve) => waiting.push(resolve));
      const runner = started[index];
      if (!runner) throw new Error('no runner');
      await Promise.resolve();
      if (up) {
        runner.events.started();
        runner.events.ready({ host: '127.0.0.1', port: 1000 + index });
      }
      return runner;
    },
  };
}
