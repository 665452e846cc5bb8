import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { homeVariable, removeRemains } from './engine-remains.ts';
import { run } from './process.ts';
import { processIdentity } from './procfs.ts';

const maxStartMs = 60_000;
/** Engines wait that long for containers that don't end. */
const shutdownSeconds = 5;
const maxStopMs = 15_000;

/**
 * A Docker daemon with a socket, data and a bridge of its own.
 * @param home its folder, which exists
 * @param programs the unpacked packages
 */
export function createDaemon(home: string, programs: string) {
  const folder = realpathSync(home);
  const socket = join(folder, 'docker.sock');
  const pidFile = join(folder, 'dockerd.pid');
  const log = join(folder, 'dockerd.log');
  const env = { DOCKER_HOST: `unix://${socket}` } as const;
  // Of its own: another engine's bridge must not be touched.
  const hash = createHash('sha256').update(folder).digest();
  const bridge = `minifal${hash.toString('hex', 0, 4)}`;
  const address = `172.31.${hash[0]}.1/24`;
  const traces = async () => ({ home: folder, bridge, env: await programEnv(programs) });

  const answers = (): Promise<boolean> =>
    connectEngine(env).then(
      () => true,
      () => false,
    );

  function pid(): number | undefined {
    const known = Number(readOr(pidFile));
    return known > 0 && readOr(`/proc/${known}/cmdline`).includes(folder) && processIdentity(known) ? known : undefined;
  }

  async function untilEnded(known: number, ms: number): Promise<void> {
    const until = Date.now() + ms;
    while (pid() === known && Date.now() < until) await delay(50);
  }

  return {
    env,
    /** What the engine itself writes. */
    log,
    answers,

    async start(): Promise<void> {
      await this.stop();
      mkdirSync(folder, { recursive: true });
      const own = await programEnv(programs);
      for (const words of [
        ['add', bridge, 'type', 'bridge'],
        ['set', bridge, 'up'],
      ])
        await run('ip', ['link', ...words], { env: own });
      await run('ip', ['addr', 'add', address, 'dev', bridge], { env: own });
      await this.restart();
    },

    /** Starts it again after `kill`, with the containers that it had. */
    async restart(): Promise<void> {
      // A process of that number that has ended, but that nobody has waited for, would be taken for a running one.
      for (const file of [pidFile, join(folder, 'exec/containerd/containerd.pid')])
        if (processIdentity(Number(readOr(file))) === undefined) rmSync(file, { force: true });
      const own = await programEnv(programs);
      const [bin, sbin] = [join(programs, 'usr/bin'), join(programs, 'usr/sbin')];
      const output = openSync(log, 'w');
      const options = {
        host: env.DOCKER_HOST,
        group: 'root',
        'data-root': join(folder, 'data'),
        'exec-root': join(folder, 'exec'),
        pidfile: pidFile,
        bridge,
        'shutdown-timeout': String(shutdownSeconds),
        'userland-proxy-path': join(sbin, 'docker-proxy'),
        'init-path': join(bin, 'tini-static'),
      };
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
      spawn(join(sbin, 'dockerd'), args, {
        detached: true,
        stdio: ['ignore', output, output],
        env: { ...own, [homeVariable]: folder },
      }).unref();
      closeSync(output);
      const until = Date.now() + maxStartMs;
      while (!(await answers())) {
        if (Date.now() > until) throw new Error(`The engine didn't start:\n${readOr(log)}`);
        await delay(100);
      }
    },

    /** Ends the daemon alone, as a crash does: its containers and its containerd run on. */
    async kill(): Promise<void> {
      const known = pid();
      if (known === undefined) return;
      process.kill(known, 'SIGKILL');
      await untilEnded(known, maxStopMs);
    },

    /** Ends it with all that it started and made in the kernel, also if it was killed before. */
    async stop(): Promise<void> {
      const known = pid();
      if (known !== undefined) {
        process.kill(known, 'SIGTERM');
        await untilEnded(known, maxStopMs);
      }
      await removeRemains(await traces());
    },

    traces,
  };
}

/** The programs of the packages with their libraries. */
async function programEnv(programs: string): Promise<Record<string, string>> {
  const lib = join(programs, 'usr/lib');
  const names = await readdir(lib).catch(() => []);
  const triplet = names.find((name) => name.endsWith('-linux-gnu')) ?? '';
  const folders = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((folder) => join(programs, folder));
  return {
    PATH: [...folders, process.env.PATH].join(':'),
    LD_LIBRARY_PATH: `${join(lib, triplet)}:${join(programs, 'lib', triplet)}`,
    XTABLES_LIBDIR: join(lib, triplet, 'xtables'),
  };
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
