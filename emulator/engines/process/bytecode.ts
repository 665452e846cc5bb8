import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { dirname, join, relative } from 'node:path';

const lowestPriority = 19;
const compiledName = /^(.+)\.cpython-\d+\.pyc$/;

export interface Bytecode {
  /**
   * Compiles, in the background, those modules of the environment that a runner had to compile for itself. What the
   * runner compiled goes with its disk, and would not be trusted anyway: only the names count. `upper`: what it wrote
   * to the environment's folder. Never rejects.
   */
  keep(python: string, env: { readonly [name: string]: string }, upper: string): Promise<void>;
  /** Ends what is being compiled. */
  close(): void;
}

/** Without it each runner would compile all that it imports, because its environment can't be written to. */
export function createBytecode(): Bytecode {
  const running = new Set<ChildProcess>();

  return {
    async keep(python, env, upper) {
      const folder = dirname(dirname(python));
      const sources = (await compiledSources(upper))
        .map((source) => join(folder, relative(upper, source)))
        .filter((source) => existsSync(source));
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
        // It has ended already.
      }
    },
    close() {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}

async function compiledSources(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter(({ parentPath, name }) => parentPath.endsWith('/__pycache__') && !name.includes('\n'))
    .flatMap(({ parentPath, name }) => {
      const module = compiledName.exec(name)?.[1];
      return module === undefined || parentPath.includes('\n') ? [] : [join(dirname(parentPath), `${module}.py`)];
    });
}
