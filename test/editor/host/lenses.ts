// Runs inside the extension host: how long lenses take after a file was opened, and how long the search for apps in a
// large folder holds the host up.
import * as vscode from 'vscode';
import { measurePauses } from './pauses.ts';

export interface LensTimes {
  /** Of the first file: loads the extension's bundles. */
  readonly firstMs: number;
  /** Of each further file, as opened. */
  readonly laterMs: readonly number[];
  /** The longest time in which a timer could not run, while the search was under way. */
  readonly longestPauseMs: number;
  readonly searchMs: number;
}

export async function run(): Promise<LensTimes> {
  const files = await vscode.workspace.findFiles('apps/*.py');
  const [first, ...later] = files.toSorted((a, b) => a.path.localeCompare(b.path));
  if (!first || later.length === 0) throw new Error('there are no apps');
  await vscode.extensions.getExtension('minifal.minifal')?.activate();
  const began = performance.now();
  const firstMs = await lensTime(first);
  const pauses = measurePauses();
  const laterMs: number[] = [];
  for (const file of later) laterMs.push(await lensTime(file));
  // Ends when the search has ended, because tasks are those of all apps.
  await vscode.tasks.fetchTasks({ type: 'minifal' });
  return { firstMs, laterMs, searchMs: performance.now() - began, longestPauseMs: pauses.end() };
}

async function lensTime(uri: vscode.Uri): Promise<number> {
  const document = await vscode.workspace.openTextDocument(uri);
  const began = performance.now();
  const lenses = await vscode.commands.executeCommand<readonly vscode.CodeLens[]>(
    'vscode.executeCodeLensProvider',
    document.uri,
  );
  if (lenses.length === 0) throw new Error(`${uri.path} has no lens`);
  return performance.now() - began;
}
