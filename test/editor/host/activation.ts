// Runs inside the extension host: how long loading and activating the extension took there.
import * as vscode from 'vscode';
import { activationMs } from './activation-time.ts';

export async function run(): Promise<number> {
  const extension = vscode.extensions.getExtension('minifal.minifal');
  if (!extension) throw new Error('the extension is not there');
  return activationMs(extension);
}
