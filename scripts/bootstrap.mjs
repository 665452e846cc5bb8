// Prepares a fresh clone: packages, the right Node, protocol descriptors, bundle. Plain JavaScript without
// dependencies, because it runs before anything is installed and under whatever Node (>= 18) the system has.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const localNode = join(root, 'node_modules', 'node', 'bin', 'node');

/**
 * Idempotent: each step is skipped when its inputs have not changed. Exits the process with a sentence when a step
 * fails.
 * @returns the Node to run everything else with (22.13 or newer)
 */
export async function bootstrap() {
  if (process.env.TMPDIR && !existsSync(process.env.TMPDIR)) {
    console.log(`TMPDIR points to ${process.env.TMPDIR}, which doesn't exist; using the system's temporary folder.`);
    delete process.env.TMPDIR;
  }
  installPackages();
  const node = existsSync(localNode) ? localNode : process.execPath;
  // Scripts of packages and of the next steps find the same Node first.
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
  // Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms, which not every registry
  // carries.
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const done = spawnSync('npm', args, {
    cwd: root,
    stdio: ['inherit', 'inherit', 'pipe'],
    encoding: 'utf8',
    env: npmEnvironment(),
  });
  process.stderr.write(done.stderr ?? '');
  if (done.status !== 0) {
    const isUntrusted = /SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY)|unable to get local issuer/i.test(
      done.stderr ?? '',
    );
    giveUp('npm', args, 'install the npm packages', done, isUntrusted ? untrusted : '');
  }
  writeFileSync(stamp, wanted);
}

const untrusted =
  " The registry's certificate is signed by an authority that npm doesn't trust. If your network has its own" +
  ' authority, set NODE_EXTRA_CA_CERTS to a file that contains it, and start again.';

/** npm uses the system's certificates, and keeps its cache in this folder if the home folder can't be written. */
function npmEnvironment() {
  const env = { ...process.env, npm_config_update_notifier: 'false' };
  const bundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem'];
  const system = bundles.find((file) => existsSync(file));
  if (!env.NODE_EXTRA_CA_CERTS && system) env.NODE_EXTRA_CA_CERTS = system;
  if (!env.npm_config_cache && !canKeep(join(homedir(), '.npm'))) {
    env.npm_config_cache = join(root, 'node_modules', '.cache', 'npm');
  }
  return env;
}

/** Not with `recursive`: Node retries endlessly in /proc, which is the home folder of some service accounts. */
function canKeep(folder) {
  try {
    if (!existsSync(folder)) mkdirSync(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function buildIfChanged(node) {
  const stamp = join(root, 'dist', '.sources');
  const wanted = digest([
    ...files(join(root, 'emulator')),
    ...files(join(root, 'extension')),
    join(root, 'scripts', 'build.ts'),
    join(root, 'scripts', 'manifest.ts'),
    join(root, 'scripts', 'words.ts'),
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
  for (const path of paths.sort()) hash.update(relative(root, path)).update('\0').update(readFileSync(path));
  return hash.digest('hex');
}

function run(command, args, what) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, npm_config_update_notifier: 'false' },
  });
  if (done.status !== 0) giveUp(command, args, what, done);
}

function giveUp(command, args, what, done, advice = '') {
  const how = done.error ? done.error.message : `ended with ${done.status ?? done.signal}`;
  console.error(`Could not ${what}: \`${command} ${args.join(' ')}\` ${how}.${advice}`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bootstrap();
  execFileSync(localNode, ['--version'], { stdio: 'inherit' });
}
