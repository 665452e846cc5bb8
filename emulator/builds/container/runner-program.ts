import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { openToAll } from '../../local/open-to-all.ts';
import { runTool } from '../tool.ts';
import { pythonOfMinor } from '../uv/pythons.ts';

interface Wanted {
  readonly dataDir: string;
  /** The folder `runner/`. */
  readonly runnerSources: string;
  readonly uv: string;
  readonly env: { readonly [name: string]: string };
  /** The version of the image's Python (`3.11`). */
  readonly minor: string;
}

/**
 * The runner's Python as containers have it: every user of an image can read it, whatever this process's umask is, and
 * it is compiled if this machine has a Python of that version, because containers can't write to it.
 * @returns its folder, which is made once for each content
 */
export async function runnerProgram({ dataDir, runnerSources, uv, env, minor }: Wanted): Promise<string> {
  const folder = join(dataDir, 'tools', `runner-${minor}-${await digest(runnerSources)}`);
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.${randomBytes(6).toString('hex')}.tmp`;
  await mkdir(dirname(folder), { recursive: true });
  try {
    await cp(runnerSources, temporary, { recursive: true, filter: isWanted });
    const compiler = await pythonOfMinor(uv, env, minor);
    if (compiler !== undefined) await compile(compiler, temporary, env);
    // The folders of an installation may be open to all, and its files not.
    await chmod(temporary, 0o700);
    await openToAll(temporary);
    await rename(temporary, folder);
    return folder;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The programs for first processes are in the folder `first`. */
function isWanted(path: string): boolean {
  return extname(path) === '.py' || (extname(path) === '' && !['first', '__pycache__'].includes(basename(path)));
}

/** A failure only makes runners start later. */
async function compile(python: string, folder: string, env: Wanted['env']): Promise<void> {
  // A container's files may have other times.
  const args = ['-I', '-S', '-m', 'compileall', '-q', '--invalidation-mode', 'unchecked-hash', folder];
  await runTool({ command: python, args, cwd: '/', env, line: () => {} });
}

async function digest(sources: string): Promise<string> {
  const entries = await readdir(sources, { withFileTypes: true, recursive: true });
  const paths = entries.filter(({ name }) => extname(name) === '.py').map((one) => join(one.parentPath, one.name));
  const hash = createHash('sha256');
  for (const path of paths.sort()) hash.update(`${path.slice(sources.length)}\0${await readFile(path)}\0`);
  return hash.digest('hex').slice(0, 16);
}
