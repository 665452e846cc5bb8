import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startStandIn, testFolder } from '../target/testing/emulator.ts';
import { createWindows, findUnused, liveWindows } from './windows.ts';

/** A stand-in for the extension host of a window. */
async function host() {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("up")'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    async crash() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

describe('the windows of an emulator', () => {
  it('leave an emulator unused when the last one closes, if a window started it', async () => {
    const folder = testFolder();
    const { running } = await startStandIn(folder);
    const other = (await host()).pid;
    const [one, two] = [createWindows(folder), createWindows(folder, other)];
    one.enter();
    one.claim(running);
    two.enter();
    one.enter();
    expect(liveWindows(folder)).toHaveLength(2);
    one.leave();
    expect(findUnused(folder, process.pid)).toBeUndefined();
    two.leave();
    expect(findUnused(folder, other)?.pid).toBe(running.pid);
  });

  it('may all be reloading: only the one that left last decides', async () => {
    const folder = testFolder();
    const { running } = await startStandIn(folder);
    const again = (await host()).pid;
    const [window, reloaded] = [createWindows(folder), createWindows(folder, again)];
    window.enter();
    window.claim(running);
    window.leave();
    reloaded.enter();
    reloaded.leave();
    // Half a minute after the first reload, the window is about to return from its second one.
    expect(findUnused(folder, process.pid)).toBeUndefined();
    expect(findUnused(folder, again)?.pid).toBe(running.pid);
  });

  it('leave nothing in a folder that no window has used', () => {
    const folder = testFolder();
    createWindows(folder).leave();
    expect(existsSync(join(folder, 'windows'))).toBe(false);
  });

  it('that crashed are ignored', async () => {
    const folder = testFolder();
    const { running } = await startStandIn(folder);
    const crashed = await host();
    const window = createWindows(folder, crashed.pid);
    window.enter();
    window.claim(running);
    const closed = createWindows(folder);
    closed.enter();
    closed.leave();
    expect(findUnused(folder, process.pid)).toBeUndefined();
    await crashed.crash();
    expect(findUnused(folder, process.pid)?.pid).toBe(running.pid);
    // Every window that crashes would leave a file.
    createWindows(folder).enter();
    const files = readdirSync(join(folder, 'windows')).filter((name) => /^\d+$/.test(name));
    expect(files).toEqual([`${process.pid}`]);
  });

  it('never leave an emulator unused that a terminal started, even after one of their own', async () => {
    const folder = testFolder();
    const window = createWindows(folder);
    window.enter();
    window.leave();
    expect(findUnused(folder, process.pid)).toBeUndefined();
    const first = await startStandIn(folder);
    window.claim(first.running);
    await first.end('SIGKILL');
    expect(findUnused(folder, process.pid)).toBeUndefined();
    await startStandIn(folder);
    expect(findUnused(folder, process.pid)).toBeUndefined();
  });

  it('work without files if nothing can be written', () => {
    const file = join(testFolder(), 'file');
    writeFileSync(file, '');
    const window = createWindows(file);
    window.enter();
    window.leave();
    expect(liveWindows(file)).toEqual([]);
  });
});
