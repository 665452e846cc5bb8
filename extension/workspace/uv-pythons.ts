import * as z from 'zod';
import { plain } from '../process/diagnose.ts';
import type { Exec } from '../process/node.ts';
import { checkPython } from '../target/needs.ts';

const list = z.array(
  z.looseObject({
    version: z.string(),
    version_parts: z.object({ major: z.int(), minor: z.int() }),
    path: z.string().nullish(),
    url: z.string().nullish(),
    implementation: z.string(),
  }),
);

/** The newest version of Python that fal supports and that uv would download (`3.14`). Pure. */
export function newestOffer(json: string): string | undefined {
  const [newest] = list
    .parse(JSON.parse(json))
    .filter(({ url, implementation }) => typeof url === 'string' && implementation === 'cpython')
    .map(({ version_parts }) => version_parts)
    .filter(({ major, minor }) => checkPython(major, minor) === 'supported')
    .sort((a, b) => b.minor - a.minor);
  return newest && `${newest.major}.${newest.minor}`;
}

/** `newestOffer` of a uv; `undefined`: it offers none, or failed. Asks for no network. */
export async function offerOfUv(uv: string, exec: Exec, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    return newestOffer(await exec(uv, ['python', 'list', '--only-downloads', '--output-format', 'json'], env));
  } catch {
    return undefined;
  }
}

/** The interpreter in the output of `uv python find`. Pure. */
export function pathIn(output: string): string | undefined {
  return plain(output)
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line.startsWith('/'));
}
