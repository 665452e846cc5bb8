import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEngine, type EngineBed } from './conformance.ts';
import { openServers, playApp } from './fake-apps.ts';
import { createFakeEngine } from './fake-engine.ts';

let runners = 0;

function open(): EngineBed {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-fake-engine-'));
  const before = new Set(openServers);
  return {
    engine: createFakeEngine(playApp),
    spec: (entry, rest = {}) => ({
      runnerId: `fake-${runners++}`,
      environment: { kind: 'fake', id: 'e' },
      callable: { kind: 'entrypoint', name: `apps:${entry}` },
      mode: 'serve',
      health: { path: null, method: 'GET', timeoutSeconds: 5 },
      appFiles: [],
      env: {},
      dataDir: folder,
      ...rest,
    }),
    file(bytes) {
      const path = join(folder, 'file');
      writeFileSync(path, bytes);
      return path;
    },
    left: () => [...openServers].filter((server) => !before.has(server)).map(() => 'a server'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

describeEngine('the fake engine', open);
