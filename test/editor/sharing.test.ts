import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { findRunning } from '../../emulator/local/data-folder.ts';
import { startEmulator } from '../support/emulator.ts';
import { commandLine, processesMentioning } from '../support/procfs.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { type Scene, type SceneOptions, setScene } from './scene.ts';

async function windowOn(
  { onTestFinished }: TestContext,
  options: SceneOptions = {},
): Promise<{ scene: Scene; window: FalWindow }> {
  const scene = await setScene({ folder: 'empty', ...options });
  onTestFinished(scene.close);
  const window = await scene.open();
  await window.showApps();
  return { scene, window };
}

/** The processes that closed windows started to decide about the emulator. */
function deciders({ dataDir }: Scene): readonly number[] {
  return processesMentioning(dataDir).filter((pid) => commandLine(pid).includes('extension-last-window'));
}

/** The windows that registered as users of the emulator. */
function windowsIn({ dataDir }: Scene): readonly string[] {
  const folder = join(dataDir, 'windows');
  return (existsSync(folder) ? readdirSync(folder) : []).filter((name) => /^\d+$/.test(name));
}

/**
 * Performs an action that ends the window's extension host, and waits for the decision of the process that it starts.
 */
async function decided(scene: Scene, end: () => Promise<unknown>): Promise<void> {
  const ending = end();
  await until('the window has left', () => deciders(scene).length > 0, { everyMs: 20 });
  await ending;
  // It waits for 30 s for a window that reloads.
  await until('it is decided', () => deciders(scene).length === 0, { timeoutMs: 90_000 });
}

// At the same time, because they mostly wait.
describe.concurrent('an emulator with several users', () => {
  it('is found if a terminal started it, and outlives the window', async (context) => {
    const { scene, window } = await windowOn(context);
    await window.welcome(/No fal app/);
    const emulator = await startEmulator({ dataDir: scene.dataDir });
    await window.status(/fal: local/);
    await decided(scene, window.close);
    expect(findRunning(scene.dataDir)?.pid).toBe(emulator.pid);
    await emulator.stop();
  });

  it('survives a reload, is shared by two windows, and ends with the last one', async (context) => {
    const { scene, window } = await windowOn(context);
    await window.workbench.command('fal: Start Emulator');
    const { pid } = await scene.emulator();
    await until('the window says that it uses it', () => windowsIn(scene).length === 1);
    await decided(scene, () => window.workbench.page.reload());
    expect(findRunning(scene.dataDir)?.pid).toBe(pid);
    const second = await scene.open();
    await second.showApps();
    await second.status(/fal: local/);
    await decided(scene, window.close);
    expect(findRunning(scene.dataDir)?.pid).toBe(pid);
    await second.close();
    await scene.emulatorIsGone();
  });

  it('keeps running if the setting is "never"', async (context) => {
    const { scene, window } = await windowOn(context, { settings: { 'minifal.stopEmulatorOnClose': 'never' } });
    await window.workbench.command('fal: Start Emulator');
    const { pid } = await scene.emulator();
    await until('the window says that it uses it', () => windowsIn(scene).length === 1);
    await window.close();
    await until('the window has left', () => windowsIn(scene).length === 0);
    expect(deciders(scene)).toEqual([]);
    const second = await scene.open();
    await second.showApps();
    await second.status(/fal: local/);
    expect(findRunning(scene.dataDir)?.pid).toBe(pid);
  });
});
