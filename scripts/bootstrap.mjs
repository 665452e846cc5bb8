// Makes a fresh clone ready: packages, the right Node, uv, protocol descriptors, bundle. Plain JavaScript without
// dependencies, because it runs before anything is installed and under whatever Node (>= 18) the system has.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const localNode = join(root, 'node_modules', 'node', 'bin', 'node');

/**
 * Idempotent: each step is skipped when its inputs have not changed. Exits the process with a sentence when a step fails.
 * @returns the Node to run everything else with (22.13 or newer)
 */
export async function bootstrap() {
  installPackages();
  const node = existsSync(localNode) ? localNode : process.execPath;
  // Scripts that packages and our own steps start find the same Node first.
  process.env.PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  run(node, ['scripts/protos.ts'], 'generate the protocol descriptors');
  buildIfChanged(node);
  return { node };
}

function installPackages() {
  const stamp = join(root, 'node_modules', '.minifal-lock');
  const wanted = digest([join(root, 'package-lock.json')]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Installing packages …');
  // Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms, which not every registry carries.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], 'install the npm packages');
  writeFileSync(stamp, wanted);
}

function buildIfChanged(node) {
  const stamp = join(root, 'dist', '.sources');
  const wanted = digest([
    ...files(join(root, 'emulator')),
    ...files(join(root, 'extension')),
    join(root, 'scripts', 'build.ts'),
    join(root, 'package-lock.json'),
  ]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  run(node, ['scripts/build.ts'], 'build the bundle');
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stamp, wanted);
}

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === '__pycache__' ? [] : files(path);
    return statSync(path).isFile() ? [path] : [];
  });
}

function digest(paths) {
  const hash = createHash('sha256');
  for (const path of paths.sort()) hash.update(path).update('\0').update(readFileSync(path));
  return hash.digest('hex');
}

function run(command, args, what) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, npm_config_update_notifier: 'false' },
  });
  if (done.status === 0) return;
  console.error(
    `Could not ${what}: \`${command} ${args.join(' ')}\` ${done.error ? done.error.message : `ended with ${done.status ?? done.signal}`}.`,
  );
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bootstrap();
  execFileSync(localNode, ['--version'], { stdio: 'inherit' });
}
