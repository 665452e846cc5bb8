import type { Engine, RunnerEvents, RunnerSpec } from '../../engines/engine.ts';
import { noSession } from '../../engines/no-session.ts';

/** An engine whose runners do what the test says: the real parts behind this interface are in engines/process. */
export function scriptedEngine() {
  const started: { spec: RunnerSpec; events: RunnerEvents; deeds: string[]; called: Promise<void> }[] = [];
  const waiting: ((index: number) => void)[] = [];
  const engine: Engine = {
    warm: () => undefined,
    start(spec, events) {
      const deeds: string[] = [];
      let call = () => {};
      const called = new Promise<void>((resolve) => {
        call = resolve;
      });
      started.push({ spec, events, deeds, called });
      waiting.shift()?.(started.length - 1);
      const exit = (signal: string) =>
        queueMicrotask(() => events.exited({ code: null, signal, reason: `ended by ${signal}` }));
      return {
        runnerId: spec.runnerId,
        call() {
          deeds.push('call');
          call();
        },
        terminate() {
          deeds.push('terminate');
          exit('SIGTERM');
        },
        kill() {
          deeds.push('kill');
          exit('SIGKILL');
        },
        async probe(timeoutSeconds) {
          deeds.push(`probe ${timeoutSeconds}`);
          return true;
        },
        linesTold: async () => undefined,
        checkTcp: async () => true,
        exec(command, _options, io) {
          deeds.push(`exec ${command?.join(' ')}`);
          queueMicrotask(() => io.exited(0));
          return noSession;
        },
        dispose: async () => void deeds.push('dispose'),
      };
    },
    close: async () => {},
  };
  return {
    engine,
    started,
    /** The next runner that is started, brought up unless asked otherwise. */
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
