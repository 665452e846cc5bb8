// Bundles the emulator and its command line into dist/, with the Python sources that runners need beside them.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

await build({
  entryPoints: { minifal: join(root, 'emulator/cli/main.ts') },
  outdir: dist,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  chunkNames: '[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node22.13',
  minifySyntax: true,
  sourcemap: true,
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
cpSync(join(root, 'emulator/runner'), join(dist, 'runner'), {
  recursive: true,
  filter: (path) => !path.includes('__pycache__'),
});
