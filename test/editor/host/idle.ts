// Runs inside the extension host: what the extension does while nothing of it is visible.
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { until } from '../../support/wait.ts';

const watchedMs = 10_000;

/** The timers that the extension sets and the requests that it sends within ten seconds, with what caused them. */
export async function run(): Promise<{ readonly timers: readonly string[]; readonly requests: readonly string[] }> {
  const file = (await vscode.workspace.findFiles('*.py'))[0];
  if (!file) throw new Error('there is no app');
  const seen = { timers: [] as string[], requests: [] as string[] };
  const earlier = { timers: 0, requests: 0 };
  let isWatched = false;
  const spy = (kind: keyof typeof seen, object: object, name: string) => {
    const real: (...args: unknown[]) => unknown = Reflect.get(object, name);
    Object.assign(object, {
      [name](this: unknown, ...args: unknown[]) {
        const stack = new Error().stack ?? '';
        if (/minifal\.minifal-/.test(stack)) {
          if (isWatched) seen[kind].push(stack.split('\n').slice(2, 5).join(' < '));
          else earlier[kind]++;
        }
        return real.apply(this, args);
      },
    });
  };
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) spy('timers', globalThis, name);
  spy('requests', globalThis, 'fetch');
  spy('requests', require('node:net').Socket.prototype, 'connect');
  spy('requests', require('node:http').ClientRequest.prototype, 'end');

  await vscode.extensions.getExtension('minifal.minifal')?.activate();
  await vscode.window.showTextDocument(file);
  await vscode.commands.executeCommand('vscode.executeCodeLensProvider', file);
  await vscode.commands.executeCommand('minifal.startEmulator');
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  await vscode.commands.executeCommand('workbench.view.explorer');
  await until('no editor is open', () => vscode.window.visibleTextEditors.length === 0);
  // What the closing started has ended by then.
  await sleep(3_000);
  if (earlier.timers === 0 || earlier.requests === 0) throw new Error('timers or requests are not noticed');
  isWatched = true;
  await sleep(watchedMs);
  isWatched = false;
  await vscode.commands.executeCommand('minifal.stopEmulator');
  return seen;
}
