import { afterAll, afterEach, beforeAll } from 'vitest';
import type { RunnerSpec } from '../../engine.ts';
import { type Watched, watch } from '../../testing/watch.ts';
import { createProcessEngine } from '../process-engine.ts';
import type { Virtualenv } from '../virtualenv.ts';
import { runnerSources, specFor, type WorkFolder, workFolder } from './runners.ts';

type Options = Omit<Parameters<typeof createProcessEngine>[0], 'dataDir' | 'runnerSources'>;

/** An engine with a folder for the tests of a file: both exist while its tests run. */
export interface EngineLab {
  readonly work: WorkFolder;
  readonly engine: ReturnType<typeof createProcessEngine>;
  /** Starts a runner of this text (`specFor`), which is killed after the test. */
  start(text: string, rest?: Partial<RunnerSpec<Virtualenv>>): Watched;
  /** Kills it after the test. */
  killLater(handle: { kill(): void }): void;
}

export function engineLab(options: Options = {}): EngineLab {
  let made: Pick<EngineLab, 'work' | 'engine'> | undefined;
  const handles: { kill(): void }[] = [];
  const now = () => {
    if (!made) throw new Error('the engine exists only while tests run');
    return made;
  };
  beforeAll(() => {
    const work = workFolder();
    made = { work, engine: createProcessEngine({ dataDir: work.root, runnerSources, ...options }) };
  });
  afterEach(() => {
    for (const handle of handles.splice(0)) handle.kill();
  });
  afterAll(async () => {
    await made?.engine.close();
    made?.work.remove();
  });
  return {
    get work() {
      return now().work;
    },
    get engine() {
      return now().engine;
    },
    start(text, rest) {
      const { work, engine } = now();
      const runner = watch(engine, specFor(work, text, rest));
      handles.push(runner.handle);
      return runner;
    },
    killLater: (handle) => void handles.push(handle),
  };
}
