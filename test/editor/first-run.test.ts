import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { FalWindow } from './fal-window.ts';
import { type Scene, type SceneOptions, setScene } from './scene.ts';

let scene: Scene | undefined;
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

async function windowOn(options: SceneOptions): Promise<FalWindow> {
  scene = await setScene(options);
  const window = await scene.open();
  await window.showApps();
  return window;
}

const waysOn = ['Choose Another Folder', 'Show Log'];

describe('a missing requirement of a new machine is reported with a fix', () => {
  it('no folder', async () => {
    const window = await windowOn({ folder: 'none' });
    await window.welcome(/Open Folder/);
    await window.picture('welcome-no-folder');
  });

  it('no app in the folder, and no space on the disk', async () => {
    const window = await windowOn({ folder: 'empty', fullDisk: true });
    await window.welcome(/no fal app/i);
    await window.picture('welcome-no-app');
    await window.workbench.command('fal: Start Emulator');
    const toast = await window.workbench.toast('There is no space left on the disk.');
    expect(await toast.getByRole('button').allInnerTexts()).toEqual(expect.arrayContaining(waysOn));
    await window.picture('error-full-disk');
  });

  it('no Python', async () => {
    const window = await windowOn({ settings: { 'minifal.pythonPath': '/nowhere/python' } });
    await window.welcome(/Python/);
    await window.picture('welcome-no-python');
    await window.workbench.command('fal: Deploy to Emulator', 'Hello');
    await window.workbench.toast(/\/nowhere\/python/);
    await window.picture('error-no-python');
  });

  it('a free port: the fix uses free ones; and uv: the fix shows where to get it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const window = await windowOn({ settings: { 'minifal.port': port }, env: { MINIFAL_UV: '/nowhere/uv' } });
    await window.workbench.command('fal: Start Emulator');
    await window.workbench.toast(`Port ${port} on 127.0.0.1 is already in use`);
    await window.picture('error-port-taken');
    await window.workbench.pressInToast(`Port ${port} on 127.0.0.1 is already in use`, 'Use Free Ports');
    expect((await scene?.emulator())?.ports.api).not.toBe(port);
    await window.status(/fal: local/);
    await window.workbench.command('fal: Deploy to Emulator', 'Hello');
    const toast = await window.workbench.toast('The tool uv, which builds environments');
    expect(await toast.getByRole('button').allInnerTexts()).toEqual(
      expect.arrayContaining(['How to Install uv', 'Show Log']),
    );
    await window.picture('error-no-uv');
    expect(await window.workbench.page.locator('.notification-toast').count()).toBe(1);
  });

  it('trust: nothing runs, and the palette offers no command that would run something', async () => {
    const window = await windowOn({ trust: 'ask' });
    await window.welcome(/trust/i);
    await window.picture('welcome-untrusted');
    const offered = await window.workbench.offeredCommands('fal: ');
    expect(offered.filter((title) => /^fal: (Start|Run|Deploy|Open)/.test(title))).toEqual([]);
    expect(offered).toContain('fal: Show Emulator Log');
  });
});
