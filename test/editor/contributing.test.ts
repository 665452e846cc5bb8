import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { startVsCode, type VsCode } from '../lab/vscode.ts';
import { openWorkbench } from '../lab/workbench.ts';
import { root } from '../support/root.ts';
import { until } from '../support/wait.ts';
import { openFalWindow } from './fal-window.ts';

// A contributor opens the repository and presses F5: VS Code builds, and opens an extension development host. That is a
// window with the extension of this folder; its extension host waits for a debugger. `driver`: a released VS Code in a
// browser ignores the address of a development host unless its own tests run.
let vscode: VsCode;
beforeAll(async () => {
  vscode = await startVsCode({ workspace: root, driver: true });
});
afterAll(() => vscode?.close());

const targets = z.array(z.object({ webSocketDebuggerUrl: z.string() }));

/**
 * Attaches to the extension host and lets it run, in place of the editor's debugger. js-debug 1.117 did not attach on a
 * machine without IPv6: it logged ECONNREFUSED at ::1 and an error of its HTTP client until it gave up, although the
 * host answered at 127.0.0.1.
 * @returns the files with a source map that the host has loaded, now and later
 */
async function attach(port: string): Promise<ReadonlySet<string>> {
  const [target] = await until('the extension host waits for a debugger', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined);
    return answer && targets.parse(await answer.json());
  });
  const loaded = new Set<string>();
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  let id = 0;
  const send = (method: string) => socket.send(JSON.stringify({ id: ++id, method }));
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data));
    if (method === 'Debugger.scriptParsed' && params.sourceMapURL) loaded.add(params.url);
    if (method === 'Debugger.paused') send('Debugger.resume');
  });
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  send('Debugger.enable');
  send('Runtime.runIfWaitingForDebugger');
  return loaded;
}

it('F5 opens a development host with the extension of this repository, debuggable with source maps', async () => {
  const page = await vscode.page();
  const workbench = await openWorkbench(page);
  await workbench.command('View: Show Run and Debug');
  await page.locator('.start-debug-action-item').filter({ hasText: 'Extension' }).waitFor();
  const opening = page.context().waitForEvent('page', { timeout: 120_000 });
  await until('F5 starts the build', async () => {
    await page.keyboard.press('F5');
    return page
      .locator('.terminal-tab, .terminal-tabs-entry, .single-terminal-tab')
      .filter({ hasText: 'build' })
      .first()
      .waitFor({ timeout: 3_000 })
      .then(() => true)
      .catch(() => false);
  });
  const host = await opening;
  const { searchParams } = new URL(host.url());
  expect(searchParams.get('folder')).toBe(join(root, 'templates/ocr'));
  const payload = new Map<string, string>(JSON.parse(searchParams.get('payload') ?? '[]'));
  expect(payload.get('extensionDevelopmentPath')).toBe(`vscode-remote://127.0.0.1:${vscode.port}${root}`);
  expect(payload.get('extensionEnvironment')).toBe(JSON.stringify({ MINIFAL_DATA: join(root, '.dev') }));

  const loaded = await attach(payload.get('inspect-brk-extensions') ?? '');
  const window = await openFalWindow(host);
  await window.showApps();
  await Promise.any([window.row(/^OCR not running/), window.welcome(/Python/)]);
  expect(await host.title()).toContain('[Extension Development Host] ocr');
  expect(
    [...loaded].filter((url) => url.includes(`${root}/dist/extension`)).map((url) => url.split('/').at(-1)),
  ).toEqual(expect.arrayContaining(['extension.cjs', 'extension-session.cjs']));
});
