import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeEngine, type EngineBed } from '../testing/conformance.ts';
import { createProcessEngine } from './process-engine.ts';
import { descendants } from './testing/processes.ts';
import { plainPython, runnerSources, specFor, workFolder } from './testing/runners.ts';

const apps = readFileSync(join(import.meta.dirname, '../testing/apps.py'), 'utf8');

function open(): EngineBed {
  const work = workFolder();
  const before = descendants(process.pid);
  const engine = createProcessEngine({ dataDir: work.root, runnerSources });
  // The supervisor of the environment outlives its runners.
  engine.warm(plainPython);
  const supervisor = descendants(process.pid).filter((pid) => !before.includes(pid))[0];
  return {
    engine,
    spec: (entry, rest = {}) => ({
      ...specFor(work, apps, { callable: { kind: 'entrypoint', name: `app_under_test:${entry}` } }),
      ...rest,
    }),
    file: (bytes) => work.file(bytes),
    left: () => [
      ...descendants(process.pid)
        .filter((pid) => !before.includes(pid) && pid !== supervisor)
        .map((pid) => `process ${pid}`),
      ...readdirSync(join(work.root, 'runners')).filter((name) => name !== '.probe'),
    ],
    remove: () => work.remove(),
  };
}

describeEngine('the process engine', open);
