// Bundles the emulator and its command line into dist/, with the Python sources that runners need next to them, and the
// VS Code extension.
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { writeManifest } from './manifest.ts';

writeManifest();

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

/**
 * Importing `node:http` reads all of its exports, and one of them loads undici (measured: 25 to 45 ms of each start).
 * Without the import, undici is loaded only when it is used. The build fails if a name is missing here.
 */
const httpWithoutUndici: Plugin = {
  name: 'node:http without undici',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:http$/ }, ({ kind, path }) =>
      kind === 'import-statement' ? { path, namespace: 'builtin', sideEffects: false } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `const all = process.getBuiltinModule('${path}');
        export const { Agent, createServer, get, request, STATUS_CODES } = all;`,
    }));
  },
};

const stubs = join(root, 'scripts', 'stubs');
const { metafile: emulator } = await build({
  metafile: true,
  absWorkingDir: root,
  entryPoints: {
    minifal: join(root, 'emulator/cli/main.ts'),
    labels: join(root, 'emulator/edge/labels/worker.ts'),
    'log-rows': join(root, 'emulator/telemetry/rows/worker.ts'),
    checkpoints: join(root, 'emulator/store/checkpoint-worker.ts'),
    'request-pages': join(root, 'emulator/telemetry/requests/worker.ts'),
  },
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
  plugins: [httpWithoutUndici],
  // Of what dockerode needs: native code for engines behind ssh, and a log that may have passwords in it.
  alias: { ssh2: join(stubs, 'ssh2.cjs'), debug: join(stubs, 'debug.cjs') },
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: {
    js:
      "import { createRequire as __createRequire } from 'node:module'; const require = " +
      '__createRequire(import.meta.url);',
  },
});
const lazy = /^node_modules\/(docker|tar-stream)/;
for (const [output, { entryPoint }] of Object.entries(emulator.outputs)) {
  const early = lazy.test(entryPoint ?? '') ? [] : loadedWith(output).filter((file) => lazy.test(file));
  if (early.length > 0) throw new Error(`${output} loads ${early[0]}, which only apps in containers need.`);
}
for (const [from, to] of [
  ['runner', 'runner'],
  ['reload/loader', 'loader'],
] as const)
  cpSync(join(root, 'emulator', from), join(dist, to), {
    recursive: true,
    filter: (path) => !/__pycache__|\.test\.ts$|\.c$|[\\/]testing$/.test(path),
  });

/** The sources in a bundle and in those that it always loads. */
function loadedWith(output: string, seen = new Set<string>()): readonly string[] {
  const found = emulator.outputs[output];
  if (found === undefined) throw new Error(`There is no ${output}.`);
  seen.add(output);
  const needed = found.imports.filter(({ kind, path }) => kind === 'import-statement' && !seen.has(path));
  const own = Object.keys(found.inputs);
  return [...own, ...needed.flatMap(({ path, external }) => (external ? [] : loadedWith(path, seen)))];
}

/** The code that activation doesn't need is a separate bundle, loaded on first use: `import('./session.ts')`. */
const lazyBundles: Plugin = {
  name: 'lazy bundles',
  setup({ onResolve, initialOptions }) {
    const bundles = Object.keys(initialOptions.entryPoints ?? {});
    onResolve({ filter: /^\.\/[\w/-]+\.ts$/ }, ({ kind, path }) => {
      if (kind !== 'dynamic-import') return undefined;
      const bundle = `extension-${basename(path, '.ts')}`;
      if (!bundles.includes(bundle)) throw new Error(`${path} is imported on first use, but has no bundle.`);
      return { path: `./${bundle}.cjs`, external: true };
    });
  },
};
const { metafile } = await build({
  metafile: true,
  absWorkingDir: root,
  entryPoints: {
    extension: join(root, 'extension/extension.ts'),
    'extension-reader': join(root, 'extension/workspace/code/reader.ts'),
    'extension-calls': join(root, 'extension/call/calls.ts'),
    'extension-debug': join(root, 'extension/debug/debug.ts'),
    'extension-inline-logs': join(root, 'extension/inline-logs/inline-logs.ts'),
    'extension-problems': join(root, 'extension/problems/problems.ts'),
    'extension-logs': join(root, 'extension/logs/logs.ts'),
    'extension-session': join(root, 'extension/session.ts'),
    'extension-run-helper': join(root, 'extension/process/run/helper.ts'),
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
  // As `require`, which goes through the editor's own loader; only that one can resolve `vscode`.
  supported: { 'dynamic-import': false },
  plugins: [lazyBundles],
});
// docs/quality.md#size-and-activation
const strangers = Object.keys(metafile.outputs['dist/extension.cjs']?.inputs ?? { 'no such file': {} }).filter(
  (file) => !file.startsWith('extension/'),
);
if (strangers.length > 0) throw new Error(`Activation would load ${strangers.join(', ')}`);

/** Pages in webviews, and in a browser; they share the component toolkit. */
await build({
  entryPoints: {
    ui: join(root, 'webview/ui.ts'),
    logs: join(root, 'webview/logs/page.ts'),
    browser: join(root, 'webview/browser/main.ts'),
    'browser-style': join(root, 'webview/browser/style.css'),
    'logs-style': join(root, 'webview/logs/page.css'),
  },
  outdir: join(dist, 'webview'),
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'browser',
  format: 'esm',
  // The browser of the oldest editor in `engines.vscode`.
  target: 'chrome134',
  minify: true,
  sourcemap: true,
  // A page must not try to make functions of text (zod does, for speed): its policy forbids it, and browsers report it.
  banner: { js: 'globalThis.__zod_globalConfig ??= { jitless: true };' },
  logLevel: 'warning',
});
const pageFiles = readdirSync(join(dist, 'webview')).filter((file) => /\.(js|css)$/.test(file));
const pageBytes = pageFiles.reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, 'webview', file))).length, 0);
// A browser loads all of it: the page, its host and the toolkit.
if (pageBytes > 150_000) throw new Error(`The pages have ${pageBytes} bytes when compressed, more than 150,000.`);
