import type { CodeChange, RunnerEvents, RunnerSpec, SwapOutcome } from '../../engines/engine.ts';
import { noSession } from '../../engines/no-session.ts';
import { createFakeEngine } from '../../engines/testing/fake-engine.ts';

/** A fake engine whose runners are controlled by the test. */
export function scriptedEngine() {
  const started: {
    spec: RunnerSpec;
    events: RunnerEvents;
    actions: string[];
    called: Promise<void>;
    /** Changes of its code that wait for an answer. */
    swaps: { change: CodeChange; answer: (outcome: SwapOutcome) => void }[];
  }[] = [];
  const waiting: ((index: number) => void)[] = [];
  const engine = createFakeEngine(({ spec, events }) => {
    const actions: string[] = [];
    let call = () => {};
    const called = new Promise<void>((resolve) => {
      call = resolve;
    });
    const swaps: (typeof started)[number]['swaps'] = [];
    started.push({ spec, events, actions: actions, called, swaps });
    waiting.shift()?.(started.length - 1);
    return {
      call() {
        actions.push('call');
        call();
      },
      terminate() {
        actions.push('terminate');
        queueMicrotask(() => events.exited({ code: null, signal: 'SIGTERM', reason: 'ended by SIGTERM' }));
      },
      kill: () => void actions.push('kill'),
      async probe(timeoutSeconds) {
        actions.push(`probe ${timeoutSeconds}`);
        return true;
      },
      exec(command, _options, io) {
        actions.push(`exec ${command?.join(' ')}`);
        queueMicrotask(() => io.exited(0));
        return noSession;
      },
      swap: (change) => new Promise((answer) => swaps.push({ change, answer })),
      dispose: () => void actions.push('dispose'),
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
