/** A program for tests: an engine with one runner, in a process that the test kills. Prints the pids that the runner printed. */
import { createProcessEngine } from './process-engine.ts';
import { runnerSources, spawner, specFor, watch, workFolder } from './test-runners.ts';

const engine = createProcessEngine({ dataDir: process.argv[2] ?? '', runnerSources });
const work = workFolder();
const runner = watch(engine, specFor(work, spawner));
const line = await runner.line(/^pids/);
work.remove();
process.stdout.write(`${line.text.slice(5)}\n`);
