import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { DiskUse } from '../target/disk.ts';
import type { LiveState } from '../target/live.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { appRow, liveWith } from '../target/testing/live.ts';
import { createEmulatorView } from './emulator-view.ts';
import type { RowTree } from './row-view.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const part = { count: 1, bytes: 0 };
const use: DiskUse = {
  ...{ folder: '/d', bytes: 5e9, storageBytes: 0, dataBytes: 0, freeBytes: 0 },
  ...{ environments: part, unused: part },
};

/** A hidden view on an emulator without apps. */
function scene() {
  const listeners = { visibility: new Set<() => void>(), link: new Set<() => void>() };
  const view = {
    visible: false,
    onDidChangeVisibility(listener: () => void) {
      listeners.visibility.add(listener);
      return { dispose: () => void listeners.visibility.delete(listener) };
    },
  };
  let live: LiveState | undefined = liveWith();
  const asked: string[] = [];
  const answers = { secrets: [{ name: 'HF_TOKEN', environment: 'main', createdAt: 0 }], disk: use };
  const rows = createEmulatorView({
    link: {
      folder: '/d',
      snapshot: (): Snapshot => (live ? { state: 'running', live } : { state: 'stopped' }),
      onChange(listener) {
        const call = () => listener({ state: 'running' }, { state: 'running' });
        listeners.link.add(call);
        return () => void listeners.link.delete(call);
      },
    },
    ask: {
      async secrets() {
        asked.push('secrets');
        return answers.secrets;
      },
      async disk() {
        asked.push('disk');
        return answers.disk;
      },
    },
    view: view as unknown as RowTree,
    changed: () => undefined,
  });
  return {
    rows,
    /** What was asked for since the last call. */
    async asked() {
      await vi.advanceTimersByTimeAsync(10_000);
      return asked.splice(0).toSorted();
    },
    show(isVisible: boolean) {
      view.visible = isVisible;
      for (const listener of listeners.visibility) listener();
    },
    change(next: LiveState | undefined) {
      live = next;
      for (const listener of listeners.link) listener();
    },
  };
}

const labels = (rows: ReturnType<typeof scene>['rows']) => rows.rows().map(({ label }) => label);

it('asks for nothing, and has no timer, while it is hidden', async () => {
  const { asked, change } = scene();
  for (let n = 0; n < 20; n++) change(liveWith({ apps: [appRow({ revision: `${n}` })] }));
  expect([await asked(), vi.getTimerCount()]).toEqual([[], 0]);
});

it('asks when it is shown, when an app has a new revision, and when another emulator runs', async () => {
  const { rows, asked, show, change } = scene();
  show(true);
  expect(await asked()).toEqual(['disk', 'secrets']);
  expect(labels(rows)).toEqual(['local', 'Secrets', 'Disk']);
  change(liveWith({ requests: [] }));
  expect(await asked()).toEqual([]);
  change(liveWith({ apps: [appRow({ revision: 'new' })] }));
  expect(await asked()).toEqual(['disk', 'secrets']);
  change(undefined);
  expect([await asked(), labels(rows)]).toEqual([[], []]);
  change(liveWith({ pid: 2 }));
  expect(await asked()).toEqual(['disk', 'secrets']);
  show(false);
  expect([await asked(), vi.getTimerCount()]).toEqual([[], 0]);
  show(true);
  expect(await asked()).toEqual(['disk', 'secrets']);
  rows.close();
  expect(vi.getTimerCount()).toBe(0);
});
