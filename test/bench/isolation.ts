import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessEngine } from '../../emulator/engines/process/process-engine.ts';
import { runnerSources, specFor, workFolder } from '../../emulator/engines/process/testing/runners.ts';
import { watch } from '../../emulator/engines/testing/watch.ts';
import { isolationModes } from '../../emulator/wire/isolation.ts';
import { median, show } from './stats.ts';

const app = 'def main(): pass';

/**
 * Times from the order to start a runner until its function is loaded and until it has ended, and the time to remove
 * its folder afterwards; alternating between the modes of isolation, with supervisors that are ready. Goal: at most 10
 * ms slower than `off`.
 */
export async function benchIsolation({ rounds }: { readonly rounds: number }): Promise<void> {
  const work = workFolder();
  const modes = isolationModes.map((isolation) => {
    const dataDir = join(work.root, isolation);
    mkdirSync(join(dataDir, 'data'), { recursive: true });
    const engine = createProcessEngine({ dataDir, runnerSources, isolation });
    return { isolation, engine, dataDir, loaded: [] as number[], ended: [] as number[], removed: [] as number[] };
  });
  for (let round = -1; round < rounds; round++) {
    for (const { engine, dataDir, loaded, ended, removed } of modes) {
      const began = performance.now();
      const spec = specFor(work, app, { mode: 'call', dataDir: join(dataDir, 'data') });
      const runner = watch(engine, spec);
      await runner.ready;
      const ready = performance.now();
      runner.handle.call();
      await runner.exited;
      const over = performance.now();
      await runner.handle.dispose();
      // The first runner of each mode waits for its supervisor to start.
      if (round < 0) continue;
      loaded.push(ready - began);
      ended.push(over - ready);
      removed.push(performance.now() - over);
    }
  }
  const [off] = modes;
  for (const { isolation, engine, loaded, ended, removed } of modes) {
    const more = median(loaded) - median(off?.loaded ?? loaded);
    const missing = engine.missing().map(({ part }) => part);
    const without = missing.length > 0 ? `  without ${missing.join(', ')}` : '';
    console.log(
      `  ${isolation.padEnd(5)} loaded ${show(loaded, 1)} ms  n=${rounds}  (+${more.toFixed(1)} ms; ` +
        `goal: at most +10)  ${more <= 10 ? 'met' : 'MISSED'}${without}`,
    );
    console.log(`        ended  ${show(ended, 1)} ms; removed ${show(removed, 1)} ms`);
  }
  for (const { engine } of modes) await engine.close();
  work.remove();
}
