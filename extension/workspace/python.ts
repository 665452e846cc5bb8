import * as z from 'zod';
import { Problem } from '../problem.ts';
import type { Exec } from '../process/node.ts';
import { checkPython, pythonRangeText } from '../target/needs.ts';

/** A candidate interpreter, and where it was found. */
export interface Candidate {
  readonly python: string;
  /** Where it was found, in the user's terms: `the setting minifal.pythonPath`, `.venv`, `PATH`. */
  readonly from: string;
  /** Chosen by the user: if it is unusable, this is reported, and no other interpreter is used. */
  readonly chosen?: boolean;
}

export interface Python {
  readonly python: string;
  readonly from: string;
  /** `3.11`. */
  readonly version: string;
  /** The version of its `fal` package; `undefined`: not installed. */
  readonly fal: string | undefined;
}

/** The result of a search; `tooOld` and `missing` become the context key `minifal.pythonState`. */
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
 * Queries the candidates in order. The first with a supported version (emulator/local/python-versions.ts) and `fal`
 * wins, otherwise the first with a supported version. Each program is run at most once.
 */
export async function findPython(
  candidates: readonly Candidate[],
  exec: Exec,
  env: NodeJS.ProcessEnv,
): Promise<FoundPython> {
  let best: Python | undefined;
  const unfit: { version: string; from: string; isOld: boolean }[] = [];
  for (const { python, from, chosen } of unique(candidates)) {
    const info = await ask(python, exec, env);
    if (!info) {
      if (chosen)
        return {
          kind: 'missing',
          problem: new Problem(
            `${capital(from)} points to ${python}, which is not a Python interpreter.`,
            'choosePython',
          ),
        };
      continue;
    }
    const [major, minor] = info.version;
    const version = `${major}.${minor}`;
    const judged = checkPython(major, minor);
    const fits = judged === 'supported';
    if (fits && (info.fal !== null || chosen))
      return { kind: 'ok', python: { python, from, version, fal: info.fal ?? undefined } };
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
      problem: new Problem(`Python ${pythonRangeText} is required, but none was found.`, 'howToInstallPython'),
    };
  const what = `Python ${pythonRangeText} is required, but ${first.from} has ${first.version}.`;
  return { kind: unfit.every(({ isOld }) => isOld) ? 'tooOld' : 'missing', problem: new Problem(what, 'choosePython') };
}

async function ask(python: string, exec: Exec, env: NodeJS.ProcessEnv): Promise<z.infer<typeof answer> | undefined> {
  try {
    // -I: neither the working folder nor PYTHON* variables affect the imports.
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
