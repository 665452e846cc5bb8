/**
 * A program for tests: an engine with one runner and a shell in it, in a process that the test kills. Prints the pids
 * that the runner printed, then those of the shell and of a process that it left in the background.
 */

import { watch } from '../../testing/watch.ts';
import { createProcessEngine } from '../process-engine.ts';
import { runnerSources, spawner, specFor, workFolder } from './runners.ts';

const engine = createProcessEngine({ dataDir: process.argv[2] ?? '', runnerSources });
const work = workFolder();
const runner = watch(engine, specFor(work, spawner));
const line = await runner.line(/^pids/);
const shellPids = await new Promise<number[]>((resolve) => {
  let seen = '';
  const command = ['sh', '-c', 'setsid sleep 1000 & echo $$ $!; sleep 1000'];
  runner.handle.exec(
    command,
    { tty: true },
    {
      output(_stream, bytes) {
        seen += Buffer.from(bytes).toString();
        if (seen.includes('\n')) resolve(seen.trim().split(' ').map(Number));
      },
      drained: () => undefined,
      exited: () => undefined,
    },
  );
});
work.remove();
const pids: number[] = JSON.parse(line.text.slice(5));
process.stdout.write(`${JSON.stringify([...pids, ...shellPids])}\n`);
