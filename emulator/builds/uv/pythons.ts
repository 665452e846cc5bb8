import { z } from 'zod';
import { runTool } from '../tool.ts';

const listSchema = z.array(z.object({ version: z.string() }));

/** The path of a Python of this machine that has this minor version (`3.11`); `undefined`: uv finds none. */
export async function pythonOfMinor(
  uv: string,
  env: { readonly [name: string]: string },
  minor: string,
): Promise<string | undefined> {
  const args = ['python', 'find', '--no-project', '--system', '--no-python-downloads', minor];
  const exit = await runTool({ command: uv, args, cwd: '/', env, line: () => {} });
  // The output may also contain warnings about broken interpreters.
  return exit.code === 0 ? exit.output.findLast((text) => text.startsWith('/')) : undefined;
}

/** Versions of the Pythons that uv finds on this machine (`3.11.7`), newest first; `undefined` if uv fails. */
export async function foundPythons(
  uv: string,
  env: { readonly [name: string]: string },
): Promise<readonly string[] | undefined> {
  // The output may also contain warnings about broken interpreters; the list is one line of JSON.
  const exit = await runTool({
    command: uv,
    args: ['python', 'list', '--only-installed', '--output-format', 'json'],
    cwd: '/',
    env,
    line: () => {},
  });
  const json = exit.output.find((text) => text.startsWith('['));
  if (json === undefined) return undefined;
  try {
    const versions = listSchema.parse(JSON.parse(json)).map((python) => python.version);
    return [...new Set(versions)].sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  } catch {
    return undefined;
  }
}
