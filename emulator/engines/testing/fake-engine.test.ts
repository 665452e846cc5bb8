import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CodeChange, SwapOutcome } from '../engine.ts';
import { describeEngine, type EngineBed } from './conformance.ts';
import { openServers, playApp } from './fake-apps.ts';
import { createFakeEngine } from './fake-engine.ts';
import { watch } from './watch.ts';

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

describe('the code of a runner of the fake engine', () => {
  it('is changed by its program, one change at a time, until its end', async () => {
    const changes: CodeChange[] = [];
    const answers: ((outcome: SwapOutcome) => void)[] = [];
    const engine = createFakeEngine((runner) => ({
      ...playApp(runner),
      swap(change) {
        changes.push(change);
        return new Promise((resolve) => answers.push(resolve));
      },
    }));
    const { spec, remove } = open();
    const runner = watch(engine, spec('serve', { development: true }));
    await runner.ready;
    const change = { delta: Buffer.from('new'), patienceSeconds: 2 };
    const first = runner.handle.swap(change);
    expect(await runner.handle.swap(change)).toMatchObject({ ok: false, code: 'busy' });
    answers[0]?.({ ok: true, ms: 3, waitedMs: 1, cleared: [], kept: ['COUNTER'] });
    expect(await first).toMatchObject({ ok: true, kept: ['COUNTER'] });
    const second = runner.handle.swap(change);
    runner.handle.kill();
    expect(await second).toMatchObject({ ok: false, code: 'runner_ended' });
    expect(changes).toEqual([change, change]);
    await engine.close();
    remove();
  });
});
