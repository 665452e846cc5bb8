import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isAlive, type ProcessIdentity, readLocalKey } from '../../emulator/local/data-folder.ts';
import { statusSchema } from '../../emulator/wire/status.ts';
import { processIdentity, processTree } from '../support/procfs.ts';
import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';
import { type Scene, setScene } from './scene.ts';

/** A window on a workspace with the app `Painter`, whose file is open. */
export async function openPainter(app: string): Promise<{ readonly scene: Scene; readonly window: FalWindow }> {
  const scene = await setScene({ folder: 'empty' });
  try {
    await writeFile(join(scene.workspace, 'painter.py'), app);
    const window = await scene.open();
    await window.showApps();
    await window.workbench.openFile('painter.py');
    return { scene, window };
  } catch (error) {
    // The test has nothing to close yet.
    await scene.close();
    throw error;
  }
}

/** Runs the app of the open file, and waits until it answers. */
export async function runPainter(scene: Scene, window: FalWindow): Promise<void> {
  await window.workbench.command('fal: Run App');
  await theHelperOf(scene);
  await lensOf(window, /● idle, kept warm$/);
}

/** The processes that keep runs alive for the windows of this workspace. */
export function helpersOf({ vscode }: Scene): readonly ProcessIdentity[] {
  const files = globSync(join(vscode.dataDir, 'data/User/workspaceStorage/*/minifal.minifal/runs/*.json'));
  return files.flatMap(read).filter(isAlive);
}

/** Nothing if the run has ended since the file was found. */
function read(file: string): readonly ProcessIdentity[] {
  try {
    return [JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The helper of the only run, once its `fal` has begun. */
export async function theHelperOf(scene: Scene): Promise<ProcessIdentity> {
  return until(
    'one run is running',
    () => {
      const [one, ...others] = helpersOf(scene);
      return one && others.length === 0 && processTree(one.pid).length > 1 && one;
    },
    { timeoutMs: 60_000 },
  );
}

export async function noRunsIn(scene: Scene): Promise<void> {
  await until('no run is running', () => helpersOf(scene).length === 0, { timeoutMs: 60_000 });
}

/** @param identity from `processIdentity` */
export function hasEnded(identity: string | undefined): boolean {
  return identity === undefined || processIdentity(Number.parseInt(identity, 10)) !== identity;
}

/** Waits for the line above an app in the editor. */
export function lensOf({ workbench }: FalWindow, text: RegExp): Promise<void> {
  const lens = workbench.page.locator('.editor-instance .codelens-decoration').filter({ hasText: text });
  return lens.first().waitFor({ timeout: 90_000 });
}

/** Where the app of the only run is called: `fal run` makes public apps. `before`: that of an earlier run. */
export async function urlOfRun(scene: Scene, before?: string): Promise<string> {
  const { ports } = await scene.emulator();
  const headers = { authorization: `Key ${readLocalKey(scene.dataDir)}` };
  const living = async () => {
    const status = await fetch(`http://localhost:${ports.api}/minifal/status`, { headers });
    const { runners } = statusSchema.parse(await status.json());
    const urls = runners.flatMap(({ alias, endedAt }) =>
      endedAt === null ? [`http://localhost:${ports.run}/local/${alias}/`] : [],
    );
    return urls.find((url) => url !== before);
  };
  return until('a run has a runner', living, { timeoutMs: 120_000 });
}

/** Calls the app of the only run, as a program elsewhere does. */
export async function callRun(scene: Scene, url?: string): Promise<unknown> {
  const to = url ?? (await urlOfRun(scene));
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(to, { method: 'POST', body: '{}', headers });
  expect(response.status).toBe(200);
  return response.json();
}
