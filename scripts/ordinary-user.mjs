// Creates a temporary ordinary user with a copy of the clone: CI runs as root, but most people don't.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { root } from './bootstrap.mjs';

/** Folders that are installed or built by each user who runs the tests, and aren't copied. */
const notCopied = new Set(['.git', '.tools', '.minifal', join('test', '.cache')]);
/** Variables that point into the caller's home folder. */
const personal = new RegExp(
  '^(HOME|USER|LOGNAME|MAIL|SHELL|PWD|OLDPWD|TMPDIR|XDG_.*|MINIFAL_.*|FAL_.*|PYENV_.*|VIRTUAL_ENV|' +
    '.*_CACHE_DIR|npm_.*)$',
  'i',
);

/**
 * Creates the user, a home folder and a copy of the clone, with its packages but without what tests download.
 * @param node the Node to run
 * @returns the copy's folder and how to run a command there as that user, or a sentence if this machine can't do it
 */
export function ordinaryUser(node) {
  if (process.getuid?.() !== 0) return 'only root can become another user.';
  if (!isThere('useradd') || !isThere('setpriv'))
    return 'useradd and setpriv are needed (Debian: apt-get install passwd util-linux).';
  const place = mkdtempSync(join(tmpdir(), 'minifal-user-'));
  const name = `minifal-${process.pid}`;
  const remove = () => {
    spawnSync('userdel', ['--force', name], { stdio: 'ignore' });
    rmSync(place, { recursive: true, force: true });
  };
  process.once('exit', remove);
  // Without this, a signal would leave the user behind.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  // The name contains a space, like many people's folders.
  const folder = join(place, 'a clone');
  const home = join(place, 'home');
  chmodSync(place, 0o755);
  execFileSync('useradd', ['--create-home', '--home-dir', home, '--shell', '/bin/sh', name]);
  cpSync(root, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !notCopied.has(relative(root, path)),
  });
  // Created before the change of ownership: the user couldn't write to a folder that root creates later.
  mkdirSync(join(folder, 'test', '.cache'), { recursive: true });
  execFileSync('chown', ['--recursive', `${name}:`, folder]);
  const env = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !personal.test(variable)));
  // Ours first, as everywhere; entries of root's PATH that can't be read stay: such things are found on people's
  // machines, too.
  const path = [
    dirname(node).replace(root, folder),
    ...(env.PATH ?? '').split(':').filter((entry) => !entry.startsWith(root)),
  ];
  const own = { ...env, HOME: home, USER: name, LOGNAME: name, SHELL: '/bin/sh', PATH: path.join(':') };
  const as = [
    'setpriv',
    `--reuid=${name}`,
    `--regid=${name}`,
    '--init-groups',
    '--inh-caps=-all',
    '--bounding-set=-all',
  ];
  return {
    folder,
    options: (command, args) => ({
      cwd: folder,
      env: own,
      through: [...as, command.replace(root, folder), ...args],
    }),
    remove,
  };
}

function isThere(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}
