// Bundles the emulator and its command line into dist/, with the Python sources that runners need beside them, and the
// VS Code extension.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

await build({
  entryPoints: { minifal: join(root, 'emulator/cli/main.ts'), labels: join(root, 'emulator/edge/labels/worker.ts') },
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

/**
 * What activation doesn't need is a bundle of its own, read from disk when it is first asked for:
 * `import('./session.ts')`.
 */
const lazyBundles: Plugin = {
  name: 'lazy bundles',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/[\w-]+\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./extension-${path.slice(2, -3)}.cjs`, external: true } : undefined,
    );
  },
};
await build({
  entryPoints: {
    extension: join(root, 'extension/extension.ts'),
    'extension-session': join(root, 'extension/session.ts'),
    'extension-last-window': join(root, 'extension/last-window.ts'),
  },
  outdir: dist,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  // The Node of the oldest editor in `engines.vscode`.
  target: 'node20',
  minify: true,
  sourcemap: true,
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  external: ['vscode'],
  // As `require`: only that goes through the editor's own loader, which knows `vscode`.
  supported: { 'dynamic-import': false },
  plugins: [lazyBundles],
});
