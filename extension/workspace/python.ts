import * as z from 'zod';
import { Problem } from '../problem.ts';
import type { Exec } from '../process/node.ts';
import { judgePython, pythonsInWords } from '../target/needs.ts';

/** An interpreter to ask, and who named it. */
export interface Candidate {
  readonly python: string;
  /** As a person knows it: `the setting minifal.pythonPath`, `.venv`, `PATH`. */
  readonly from: string;
  /** Named by a person: when it won't do, that is said and no other one is taken. */
  readonly chosen?: boolean;
}

export interface Python {
  readonly python: string;
  readonly from: string;
  /** `3.11`. */
  readonly version: string;
  /** Version of the `fal` package in it; `undefined`: not installed there. */
  readonly fal: string | undefined;
}

/** What a search found; `tooOld` and `missing` become the context key `minifal.pythonState`. */
export type FoundPython =
  | { readonly kind: 'ok'; readonly python: Python }
  | { readonly kind: 'missing' | 'tooOld'; readonly problem: Problem };

const answer = z.object({ version: z.tuple([z.int(), z.int()]), fal: z.string().nullable() });

const question = `
import json, sys
try:
    from importlib.metadata import version
    fal = version("fal")
except Exception:
    fal = None
print(json.dumps({"version": sys.version_info[:2], "fal": fal}))
`;

/**
 * Asks the candidates in their order. The first of a supported version (emulator/local/python-versions.ts) that has
 * `fal` wins; else the first of such a version. Each program is asked once.
 */
export async function findPython(
  candidates: readonly Candidate[],
  exec: Exec,
  env: NodeJS.ProcessEnv,
): Promise<FoundPython> {
  let best: Python | undefined;
  const unfit: { version: string; from: string; isOld: boolean }[] = [];
  for (const { python, from, chosen } of unique(candidates)) {
    const told = await ask(python, exec, env);
    if (!told) {
      if (chosen)
        return {
          kind: 'missing',
          problem: new Problem(`${capital(from)} names ${python}, which is not a Python.`, 'choosePython'),
        };
      continue;
    }
    const [major, minor] = told.version;
    const version = `${major}.${minor}`;
    const judged = judgePython(major, minor);
    const fits = judged === 'supported';
    if (fits && (told.fal !== null || chosen))
      return { kind: 'ok', python: { python, from, version, fal: told.fal ?? undefined } };
    if (fits) best ??= { python, from, version, fal: undefined };
    else unfit.push({ version, from, isOld: judged === 'tooOld' });
    if (chosen) break;
  }
  return best ? { kind: 'ok', python: best } : none(unfit);
}

function none(unfit: readonly { version: string; from: string; isOld: boolean }[]): FoundPython {
  const [first] = unfit;
  if (!first)
    return {
      kind: 'missing',
      problem: new Problem(`Python ${pythonsInWords} is needed, and none was found.`, 'howToInstallPython'),
    };
  const what = `Python ${pythonsInWords} is needed; ${first.from} has ${first.version}.`;
  return { kind: unfit.every(({ isOld }) => isOld) ? 'tooOld' : 'missing', problem: new Problem(what, 'choosePython') };
}

async function ask(python: string, exec: Exec, env: NodeJS.ProcessEnv): Promise<z.infer<typeof answer> | undefined> {
  try {
    // -I: neither the working folder nor PYTHON* variables decide what is imported here.
    return answer.parse(JSON.parse(await exec(python, ['-I', '-c', question], env)));
  } catch {
    return undefined;
  }
}

function unique(candidates: readonly Candidate[]): readonly Candidate[] {
  const seen = new Set<string>();
  return candidates.filter(({ python }) => !seen.has(python) && seen.add(python));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
