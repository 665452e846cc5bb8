// Runs inside the extension host: how long loading and activating the extension takes there.
import * as vscode from 'vscode';

export async function run(): Promise<number> {
  const extension = vscode.extensions.getExtension('minifal.minifal');
  if (!extension || extension.isActive) throw new Error('the extension is not there, or already active');
  const began = performance.now();
  await extension.activate();
  return performance.now() - began;
}
