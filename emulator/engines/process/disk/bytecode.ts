import { type ChildProcess, spawn } from 'node:child_process';
import { access, opendir } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { signalChild } from '../../../local/signal.ts';

const lowestPriority = 19;
const defaultMaxNames = 20_000;
const compiledName = /^(.+)\.cpython-\d+\.pyc$/;

export interface Bytecode {
  /**
   * Compiles, in the background, the modules of the environment that a runner had to compile for itself. The bytecode
   * of the runner is removed with its disk and would not be trusted anyway: only the names are used. `upper`: what the
   * runner wrote to the environment's folder. Never rejects.
   */
  keep(python: string, env: { readonly [name: string]: string }, upper: string): Promise<void>;
  /** Ends a compilation in progress. */
  close(): void;
}

/** Without this, each runner would compile all its imports, because it can't write to its environment. */
export function createBytecode(): Bytecode {
  const running = new Set<ChildProcess>();

  return {
    async keep(python, env, upper) {
      const folder = dirname(dirname(python));
      const sources: string[] = [];
      for (const source of await compiledSources(upper, defaultMaxNames).catch(() => [])) {
        const path = join(folder, relative(upper, source));
        if (await isThere(path)) sources.push(path);
      }
      if (sources.length === 0) return;
      const child = spawn(python, ['-I', '-S', '-m', 'compileall', '-q', '-i', '-'], {
        env,
        cwd: '/',
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      running.add(child);
      child.on('error', () => running.delete(child)).once('exit', () => running.delete(child));
      child.stdin.on('error', () => undefined).end(sources.join('\n'));
      try {
        if (child.pid !== undefined) setPriority(child.pid, lowestPriority);
      } catch {
        // The process has already ended.
      }
    },
    close() {
      for (const child of running) signalChild(child, 'SIGKILL');
    },
  };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * The modules below the folder that have bytecode. Reads at most `maxNames` names, because an app may have written any
 * number.
 */
export async function compiledSources(folder: string, maxNames: number): Promise<readonly string[]> {
  const found: string[] = [];
  const folders = [folder];
  let looked = 0;
  for (let next = folders.pop(); next !== undefined && looked < maxNames; next = folders.pop()) {
    const here = next;
    const names = await opendir(here, { bufferSize: 1_000 }).catch(() => null);
    if (names === null || here.includes('\n')) continue;
    for await (const entry of names) {
      if (++looked > maxNames) break;
      const module = here.endsWith('/__pycache__') ? compiledName.exec(entry.name)?.[1] : undefined;
      if (entry.isDirectory()) folders.push(join(here, entry.name));
      else if (module !== undefined && !entry.name.includes('\n')) found.push(join(dirname(here), `${module}.py`));
    }
  }
  return found;
}
