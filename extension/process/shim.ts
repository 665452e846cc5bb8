import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeProgram } from './node.ts';

/**
 * Makes the `minifal` command for terminals from the extension's bundle, because a package of the editor can't contain
 * an executable file.
 * @param folder is created; terminals have it on PATH
 * @param bundle `dist/minifal.mjs`
 */
export async function writeShim(folder: string, node: NodeProgram, bundle: string): Promise<void> {
  const variables = Object.entries(node.env).map(([name, value]) => `${name}=${quoted(value)} `);
  const text = `#!/bin/sh\n${variables.join('')}exec ${quoted(node.command)} ${quoted(bundle)} "$@"\n`;
  const file = join(folder, 'minifal');
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return;
  await mkdir(folder, { recursive: true });
  // Another window may be running it, or writing it, too.
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text, { mode: 0o755 });
  await rename(temporary, file);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
