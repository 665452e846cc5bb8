import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun, run } from './process.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Where this machine gets its packages of Debian; `undefined`: it has none. */
export async function debianMirror(): Promise<string | undefined> {
  const asked = await run('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']).catch(() => null);
  const mirror = asked?.stdout.split('\n').find((site) => /\/debian\/?$/.test(site));
  return existsSync(keyring) ? mirror : undefined;
}

/**
 * Downloads packages and those that they need, and installs nothing. apt-get checks each by the checksum in Debian's
 * signed list, with files of its own in place of the machine's; so the newest one is taken, because Debian keeps no
 * older ones.
 * @param order `temporary`: a folder of the caller's for all files
 * @returns the packages
 */
export async function downloadPackages(order: {
  readonly mirror: string;
  readonly suite: string;
  readonly names: readonly string[];
  readonly temporary: string;
}): Promise<readonly string[]> {
  const { mirror, suite, names, temporary } = order;
  const archives = join(temporary, 'cache', 'archives');
  await mkdir(join(temporary, 'state', 'lists', 'partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  await writeFile(join(temporary, 'status'), '');
  await writeFile(join(temporary, 'sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const settings = [
    `Dir::State=${join(temporary, 'state')}`,
    `Dir::State::status=${join(temporary, 'status')}`,
    `Dir::Cache=${join(temporary, 'cache')}`,
    `Dir::Etc::sourcelist=${join(temporary, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  const patient = { timeoutMs: 600_000 };
  await mustRun('apt-get', [...settings, 'update'], patient);
  const download = ['install', '--yes', '--download-only', '--no-install-recommends', ...names];
  await mustRun('apt-get', [...settings, ...download], patient);
  const files = await readdir(archives);
  return files.filter((one) => one.endsWith('.deb')).map((file) => join(archives, file));
}
