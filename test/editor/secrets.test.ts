import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLocalKey } from '../../emulator/local/data-folder.ts';
import { sealedKeyOf } from '../../emulator/local/secret-file.ts';
import { statusSchema } from '../../emulator/wire/status.ts';
import { startEmulator } from '../support/emulator.ts';
import { type Running, start } from '../support/process.ts';
import { commandLine } from '../support/procfs.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { type Scene, setScene } from './scene.ts';

let scene: Scene;
let window: FalWindow;
/** Represents the main process of a desktop editor, which a server doesn't have: a run ends with this process. */
let editor: Running;

beforeAll(async () => {
  editor = start('sleep', ['infinity']);
  const env = { VSCODE_PID: `${editor.pid}` };
  const settings = { 'minifal.sealSecrets': 'always', 'minifal.stopEmulatorOnClose': 'sometimes' };
  scene = await setScene({ folder: 'empty', settings, env });
  await scene.vscode.rememberSecrets();
  window = await scene.open();
  await window.showApps();
});
afterAll(async () => {
  editor?.signal('SIGKILL');
  await scene?.close();
});

async function startFromPalette(): Promise<void> {
  await window.workbench.command('fal: Start Emulator');
  await scene.emulator();
  await window.status(/fal: local/);
}

async function stopFromPalette(): Promise<void> {
  await window.workbench.command('fal: Stop Emulator');
  await scene.emulatorIsGone();
}

/** A new session of the run. */
async function reload(): Promise<void> {
  await window.workbench.page.reload();
  await window.workbench.page.locator('.monaco-workbench .statusbar').waitFor();
  await window.showApps();
}

it('nothing is sealed by a new keychain', async () => {
  await startFromPalette();
  // Also checks that an invalid setting is reported once.
  await window.workbench.toast('minifal.stopEmulatorOnClose has an invalid value');
  expect(isSealed()).toBe(false);
  await stopFromPalette();
});

it('the key is sealed by a keychain that keeps its entries across runs of the editor', async () => {
  editor.signal('SIGKILL');
  await editor.finished;
  await reload();
  await startFromPalette();
  expect(isSealed()).toBe(true);
  expect(await secrets()).toBe('open');
  const { pid } = await scene.emulator();
  // No key, plain or sealing, in files or in data that other processes can see: both are 64 hex digits.
  for (const text of [commandLine(pid), ...logs()]) expect(text).not.toMatch(/[0-9a-f]{64}/);
  await stopFromPalette();
});

it('the sealed key stays sealed for a terminal and opens for the editor', async () => {
  const emulator = await startEmulator({ dataDir: scene.dataDir });
  expect(await secrets()).toBe('sealed');
  await window.status(/fal: local/);
  await emulator.stop();
  await window.welcome(/No fal app/);
  await startFromPalette();
  expect(await secrets()).toBe('open');
});

it('the setting moves the key back to a file, and seals it again', async () => {
  for (const [choice, sealed] of [
    ['never', false],
    ['always', true],
  ] as const) {
    const { pid } = await scene.emulator();
    await scene.vscode.changeSettings({ ...scene.options.settings, 'minifal.sealSecrets': choice });
    await window.workbench.pressInToast('Restart the emulator to apply', 'Restart Emulator');
    await until('another emulator runs', async () => (await scene.emulator()).pid !== pid);
    expect(isSealed()).toBe(sealed);
    expect(await secrets()).toBe('open');
  }
  await window.status(/fal: local/);
  await stopFromPalette();
});

it('a lost key is reported, with a way to set secrets again', async () => {
  await window.workbench.page.evaluate("localStorage.removeItem('secrets.provider')");
  await reload();
  await startFromPalette();
  expect(await secrets()).toBe('sealed');
  await window.workbench.toast(/secrets are sealed/);
  await window.picture('secrets-sealed');
  await window.workbench.pressInToast(/secrets are sealed/, 'Reset Sealed Secrets…');
  const dialog = window.workbench.page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  await dialog.getByRole('button', { name: 'Reset' }).click();
  await until('the key is a new one', () => !isSealed());
  await scene.emulator();
  await until('secrets can be set', async () => (await secrets().catch(() => undefined)) === 'open');
});

/** The logs of the extension and of the emulator. */
function logs(): readonly string[] {
  const own = ['emulator.log', 'emulator.out'].map((name) => readFileSync(join(scene.dataDir, name), 'utf8'));
  const folder = join(scene.vscode.dataDir, 'data', 'logs');
  const extension = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('fal.log'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  expect(extension.join('')).toContain('[secrets]');
  return [...own, ...extension];
}

/** The state of the running emulator's secrets. */
async function secrets(): Promise<string> {
  const { ports } = await scene.emulator();
  const key = readLocalKey(scene.dataDir) ?? '';
  const answer = await fetch(`http://localhost:${ports.api}/minifal/status`, {
    headers: { authorization: `Key ${key}` },
  });
  return statusSchema.parse(await answer.json()).secrets;
}

function isSealed(): boolean {
  return sealedKeyOf(scene.dataDir) !== undefined;
}
