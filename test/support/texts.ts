import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.ts';

const folders = ['.', '.ci', 'bin', 'docs', 'emulator', 'extension', 'scripts', 'templates', 'test', 'webview'];

/** The sources, scripts and pages of the repository; also in a copy without `.git`. */
export const texts: readonly string[] = folders
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: folder !== '.' }).map((name) => join(folder, String(name))),
  )
  .filter((name) => /\.(md|ts|mjs|json|sh|py)$/.test(name) && !name.startsWith('test/.cache'));
