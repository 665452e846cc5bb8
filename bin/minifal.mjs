#!/usr/bin/env node
// The `minifal` command. Plain JavaScript: it also runs under an old Node, to hand over to the right one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, 'dist', 'minifal.mjs');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (!existsSync(bundle)) {
  console.error(
    'minifal is not built yet. Run `npm start -- --once` (or `npm test`) once in its folder; that builds it.',
  );
  process.exit(1);
}
if (major > 22 || (major === 22 && minor >= 13)) {
  await import(bundle);
} else {
  const node = join(root, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(node)) {
    console.error(
      `minifal needs Node 22.13 or newer; this is ${process.version}. Install one, or run \`npm ci\` in ` +
        "minifal's folder.",
    );
    process.exit(1);
  }
  // This process only waits and passes the exit code on. The channel ends with it, however it ends: then the emulator
  // stops.
  const child = spawn(node, [bundle, ...process.argv.slice(2)], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // The child gets the terminal's Ctrl-C itself.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('disconnect', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
