import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Shares } from '../../../wire/isolation.ts';
import type { RunnerSpec } from '../../engine.ts';
import { watch } from '../../testing/watch.ts';
import { createProcessEngine } from '../process-engine.ts';
import type { Virtualenv } from '../virtualenv.ts';
import { runnerSources, specFor, workFolder } from './runners.ts';

/** An engine whose runners have a disk of their own, with a home folder and a data folder that hold something. */
export function ownDisk(shares?: (home: string) => Shares) {
  const work = workFolder();
  const limits: string[] = [];
  const [data, home, dataFolder] = ['data', 'home', 'emulator'].map((name) => join(work.root, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [data, home, dataFolder, join(work.root, 'temporary')]) mkdirSync(folder);
  writeFileSync(join(home, 'diary'), 'private');
  writeFileSync(join(dataFolder, 'secret.key'), 'key');
  const engine = createProcessEngine({
    dataDir: dataFolder,
    runnerSources,
    isolation: 'disk',
    shares: shares?.(home),
    onLimit: (sentence) => limits.push(sentence),
    hostEnv: { ...process.env, HOME: home, TMPDIR: '/opt' },
  });

  /** Runs `main` of this text to its end, and returns its printed lines, each parsed as JSON. */
  async function run(text: string, rest: Partial<RunnerSpec<Virtualenv>> = {}) {
    const runner = watch(engine, specFor(work, text, { dataDir: data, ...rest }));
    const { code, reason } = await runner.exited;
    expect([code, reason, runner.lines.map((line) => line.text).filter((line) => line.startsWith('Trace'))]).toEqual([
      0,
      expect.any(String),
      [],
    ]);
    const printed = runner.lines.map((line) => line.text).filter((line) => !line.startsWith('minifal:'));
    return { output: printed.map((line) => JSON.parse(line)), runner };
  }

  return {
    work,
    engine,
    limits,
    data,
    home,
    dataFolder,
    run,
    async close() {
      await engine.close();
      work.remove();
    },
  };
}
