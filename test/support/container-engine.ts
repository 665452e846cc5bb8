import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { EngineApi } from '../../emulator/local/docker/api.ts';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { findImage } from '../../emulator/local/docker/images.ts';
import { debianMirror, downloadPackages } from './debian-packages.ts';
import { createDaemon } from './engine-daemon.ts';
import { isMissing } from './needs.ts';
import { mustRun } from './process.ts';
import { cacheDir } from './root.ts';

/**
 * A real Docker engine for tests, from Debian's packages, which are unpacked below test/.cache and not installed. It
 * has a socket, data and a bridge of its own, and one is shared by all test files of a run.
 */

/** The image that tests build on: Debian's Python 3 and busybox, imported from packages, because none can be pulled. */
export const baseImage = 'python:3-slim';

/** The release of Debian whose engine it is; absent: this machine's. */
const release = process.env.MINIFAL_DOCKER_RELEASE;
const home = join(cacheDir, `container-engine${release ? `-${release}` : ''}`);
const programs = join(home, 'programs');
/** A shell with the usual commands, in one file. */
export const busybox = join(home, 'busybox');
mkdirSync(home, { recursive: true });
const daemon = createDaemon(home, programs);
/** What the engine itself writes. */
export const engineLog = daemon.log;
/** The run of tests that started it (`process.env`, set by tools.ts). */
const starter = join(home, 'started-by');
/** Tests run in several processes: one prepares, the others wait. */
const startLock = join(home, 'starting');
const maxStartMs = 600_000;

const enginePackages = ['docker.io', 'containerd', 'runc', 'tini', 'iptables', 'iproute2', 'docker-registry'];
const imagePackages = ['python3', 'libstdc++6', 'busybox-static'];
/** Programs of the machine and of the packages share one C library. */
const machineLibraries = /^(libc6|libc-bin|libgcc-s1|gcc-\d+-base)_/;

/** The variables with which an emulator finds the engine. */
export const engineEnv = daemon.env;

/** For `skipIf`: whether tests can't have an engine here; the reason is printed. */
export function isEngineMissing(): boolean {
  const isPossible = existsSync('/usr/bin/dpkg-deb') && hasAllCapabilities();
  return isMissing(isPossible, 'apps in containers: starting a Docker engine takes all rights of root, and Debian');
}

/** Starts the engine if it doesn't run, with the base image. Needs the package mirror once. */
export async function startContainerEngine(): Promise<void> {
  const until = Date.now() + maxStartMs;
  while (!takeLock()) {
    if (Date.now() > until) throw new Error(`Another process is starting an engine since 10 minutes: ${startLock}`);
    await delay(500);
  }
  try {
    await prepare();
    if (!(await daemon.answers())) {
      writeFileSync(starter, process.env.MINIFAL_TEST_RUN ?? '');
      await daemon.start();
    }
    const { api } = await connectEngine(engineEnv);
    if (!existsSync(busybox) || (await findImage(api, baseImage)) === undefined) await importImage(api);
  } finally {
    rmSync(startLock, { force: true });
  }
}

/** Stops the engine if a test of this run has started it, or of a run that was killed. */
export async function stopContainerEngine(): Promise<void> {
  const pid = readFileOr(starter);
  if (pid === '' || (pid !== process.env.MINIFAL_TEST_RUN && existsSync(`/proc/${pid}`))) return;
  await daemon.stop();
  rmSync(starter);
}

/** Another engine with the base image, which a test may kill. Ended and removed after the test. */
export async function ownEngine() {
  await startContainerEngine();
  const folder = mkdtempSync(join(cacheDir, 'engine-'));
  const own = createDaemon(folder, programs);
  onTestFinished(async () => {
    await own.stop();
    rmSync(folder, { recursive: true });
  }, 60_000);
  await own.start();
  const [{ api: from }, { api: to }] = await Promise.all([connectEngine(engineEnv), connectEngine(own.env)]);
  const tar = await from.stream({ method: 'GET', path: `/images/${baseImage}/get` });
  await to.send({ method: 'POST', path: '/images/load', tar });
  return own;
}

/** The path of a program of the packages. */
export function engineProgram(name: string): string {
  return join(programs, 'usr', 'bin', name);
}

/** Root in a container without privileges has few of them. */
function hasAllCapabilities(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileOr('/proc/self/status'))?.[1] ?? '0';
  const [netAdmin, sysAdmin] = [1n << 12n, 1n << 21n];
  const needed = netAdmin | sysAdmin;
  return (BigInt(`0x${effective}`) & needed) === needed;
}

function takeLock(): boolean {
  try {
    writeFileSync(startLock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    // Of a run that was killed.
    const pid = readFileOr(startLock);
    if (pid !== '' && !existsSync(`/proc/${pid}`)) rmSync(startLock, { force: true });
    return false;
  }
}

async function prepare(): Promise<void> {
  if (existsSync(join(programs, 'ready'))) return;
  await unpack(enginePackages, programs, (file) => !machineLibraries.test(file));
  if (release !== undefined) await replaceEngine(release);
  // Which of its two programs is used is a choice that installing would make.
  const tables = join(programs, 'usr', 'sbin');
  for (const name of ['iptables', 'ip6tables']) await symlink('xtables-nft-multi', join(tables, name));
  await writeFile(join(programs, 'ready'), '');
}

/** Takes the engine alone from another release: its libraries, and runc, need that release's C library. */
async function replaceEngine(other: string): Promise<void> {
  const folder = join(home, other);
  await unpack(['docker.io'], folder, (file) => /^(docker\.io|containerd)_/.test(file), other);
  await mustRun('cp', ['--archive', '--force', join(folder, 'usr'), programs]);
  await rm(folder, { recursive: true });
}

async function unpack(
  names: readonly string[],
  target: string,
  isWanted = (_file: string): boolean => true,
  of?: string,
): Promise<void> {
  const mirror = await debianMirror();
  if (mirror === undefined) throw new Error('There are no packages of Debian on this machine.');
  const own = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  const suite = of ?? own;
  const temporary = `${target}.tmp`;
  await rm(temporary, { recursive: true, force: true });
  await rm(target, { recursive: true, force: true });
  await mkdir(join(temporary, 'root'), { recursive: true });
  for (const file of await downloadPackages({ mirror, suite, names, temporary })) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    if (isWanted(name)) await mustRun('dpkg-deb', ['--extract', file, join(temporary, 'root')]);
  }
  await rm(join(temporary, 'root/usr/share'), { recursive: true, force: true });
  await rename(join(temporary, 'root'), target);
  await rm(temporary, { recursive: true, force: true });
}

/** The programs of busybox that tests use. */
const applets = [
  'sh',
  'cat',
  'chmod',
  'echo',
  'env',
  'false',
  'id',
  'kill',
  'ls',
  'mkdir',
  'rm',
  'sleep',
  'stty',
  'true',
  'wc',
];

async function importImage(api: EngineApi): Promise<void> {
  const root = join(home, 'image');
  await unpack(imagePackages, root);
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'etc/ssl/certs'), { recursive: true });
  await mkdir(join(root, 'tmp'), { recursive: true });
  await chmod(join(root, 'tmp'), 0o1777);
  for (const name of applets) await symlink('busybox', join(root, 'bin', name)).catch(() => undefined);
  await symlink('python3', join(root, 'usr/bin/python')).catch(() => undefined);
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/tmp:/bin/sh\n');
  const certificates = 'etc/ssl/certs/ca-certificates.crt';
  await copyFile(`/${certificates}`, join(root, certificates)).catch(() => undefined);
  const tar = spawn('tar', ['-C', root, '--owner=0', '--group=0', '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [repo, tag] = baseImage.split(':');
  const changes = 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONUNBUFFERED=1';
  const query = { fromSrc: '-', repo, tag, changes };
  await api.send({ method: 'POST', path: '/images/create', query, tar: tar.stdout });
  await copyFile(join(root, 'bin/busybox'), busybox);
  await rm(root, { recursive: true, force: true });
}

function readFileOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
