// Runs inside the extension host: how long loading and activating an extension took there: ours, or one without code.
import * as vscode from 'vscode';
import { activationMs } from './activation-time.ts';

export async function run(): Promise<number> {
  const ids = ['minifal.minifal', 'minifal-test.empty'];
  const [extension] = ids.flatMap((id) => vscode.extensions.getExtension(id) ?? []);
  if (!extension) throw new Error('the extension is not there');
  return activationMs(extension);
}
