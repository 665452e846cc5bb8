import { z } from 'zod';
import { runTool } from '../tool.ts';

const listSchema = z.array(z.object({ version: z.string() }));

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
