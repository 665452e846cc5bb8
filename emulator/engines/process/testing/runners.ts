import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppFile, RunnerSpec } from '../../engine.ts';
import type { Virtualenv } from '../virtualenv.ts';

export const runnerSources = join(import.meta.dirname, '../../../runner');
/** The machine's own Python: enough for servers of the standard library. */
export const plainPython: Virtualenv = { kind: 'virtualenv', id: 'plain', python: 'python3', extraPaths: [] };

/** A temporary folder for a test's files, with app modules created from text. */
export function workFolder() {
  const root = mkdtempSync(join(tmpdir(), 'minifal-engine-'));
  let files = 0;
  return {
    root,
    file(text: string | Uint8Array): string {
      const path = join(root, `file-${files++}`);
      writeFileSync(path, text);
      return path;
    },
    app(modules: { readonly [relativePath: string]: string }): AppFile[] {
      return Object.entries(modules).map(([relativePath, text]) => ({
        relativePath,
        source: this.file(text),
        mode: 0o100644,
      }));
    },
    remove() {
      // Runners that weren't disposed of: overlays leave folders behind that only root can access.
      spawnSync('chmod', ['-R', 'u+rwx', root]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export type WorkFolder = ReturnType<typeof workFolder>;

/**
 * Starts a child in a session of its own, a daemon (forked twice, no exec) and a child of that, and prints all pids.
 */
export const spawner = `
import json, os, subprocess, sys, time
def main():
    away = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
            os.write(writer, json.dumps([os.getpid(), child.pid]).encode())
            time.sleep(1000)
        os._exit(0)
    print("pids", json.dumps([os.getpid(), os.getppid(), away.pid, *json.loads(os.read(reader, 100))]), flush=True)
    if os.environ.get("LEAVE"): return
    time.sleep(1000)
`;

/** A user without a name. */
export const ordinaryUser = 4711;

/**
 * For a runner of an ordinary user, even if the tests run as root: an environment whose Python becomes that user, and
 * the runner's folder, which every user may write.
 */
export function ofOrdinaryUser(work: WorkFolder) {
  const python = work.file(`#!/bin/sh
user=${ordinaryUser}
if [ "$(id -u)" = 0 ]; then exec setpriv --reuid $user --regid $user --clear-groups /usr/bin/python3 "$@"; fi
exec /usr/bin/python3 "$@"
`);
  chmodSync(python, 0o755);
  const folder = join(work.root, 'runners', 'ordinary');
  const within = ['app', 'root', 'data', 'exchange'].map((name) => join(folder, name));
  for (const made of [folder, ...within, join(work.root, 'data'), work.root]) {
    mkdirSync(made, { recursive: true });
    chmodSync(made, 0o777);
  }
  return { environment: { ...plainPython, id: 'ordinary', python }, folder };
}

let runners = 0;

/** A spec that runs `main` of the module `app` (text) on the machine's Python. */
export function specFor(
  work: WorkFolder,
  text: string,
  rest: Partial<RunnerSpec<Virtualenv>> = {},
): RunnerSpec<Virtualenv> {
  return {
    runnerId: `runner-${runners++}`,
    environment: plainPython,
    callable: { kind: 'entrypoint', name: 'app_under_test:main' },
    mode: 'serve',
    health: { path: null, method: 'GET', timeoutSeconds: 5 },
    appFiles: work.app({ 'app_under_test.py': text }),
    env: {},
    dataDir: join(work.root, 'data'),
    ...rest,
  };
}
