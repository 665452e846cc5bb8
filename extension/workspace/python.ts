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
  /** An environment that this extension made with another interpreter: that one. */
  readonly madeWith?: string;
}

/** What an interpreter says about itself. */
export interface PythonFacts {
  /** `3.11`. */
  readonly version: string;
  /** `3.11.2`. */
  readonly release: string;
  readonly fits: ReturnType<typeof checkPython>;
  /** The version of its `fal` package; `undefined`: not installed. */
  readonly fal: string | undefined;
  /** Whether `import fal_client` works. */
  readonly hasClient: boolean;
  /** The folder of its installation or virtual environment; the same for all names of one interpreter. */
  readonly prefix: string;
  readonly isVirtual: boolean;
}

export interface Python extends PythonFacts {
  readonly python: string;
  readonly from: string;
}

/** The result of a search; `tooOld` and `missing` become the context key `minifal.pythonState`. */
export type FoundPython =
  | { readonly kind: 'ok'; readonly python: Python }
  | { readonly kind: 'missing' | 'tooOld'; readonly problem: Problem };

const answer = z.object({
  version: z.tuple([z.int(), z.int(), z.int()]),
  fal: z.string().nullable(),
  client: z.string().nullable(),
  prefix: z.string(),
  isVirtual: z.boolean(),
});

const question = `
import json, sys
def installed(name):
    try:
        from importlib.metadata import version
        return version(name)
    except Exception:
        return None
print(json.dumps({
    "version": sys.version_info[:3],
    "fal": installed("fal"),
    "client": installed("fal_client"),
    "prefix": sys.prefix,
    "isVirtual": sys.prefix != getattr(sys, "base_prefix", sys.prefix),
}))
`;

import { t } from '../words.ts';

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
  let onlyFor: string | undefined;
  for (const { python, from, chosen, madeWith } of unique(candidates)) {
    if (onlyFor !== undefined && madeWith !== onlyFor) break;
    const facts = await askPython(python, exec, env);
    if (!facts) {
      if (chosen)
        return {
          kind: 'missing',
          problem: new Problem(
            t('{0} points to {1}, which is not a Python interpreter.', capital(from), python),
            'choosePython',
          ),
        };
      continue;
    }
    const fits = facts.fits === 'supported';
    if (fits && facts.fal !== undefined) return { kind: 'ok', python: { python, from, ...facts } };
    if (fits) best ??= { python, from, ...facts };
    else unfit.push({ version: facts.version, from, isOld: facts.fits === 'tooOld' });
    if (chosen && !fits) break;
    if (chosen) onlyFor = python;
  }
  return best ? { kind: 'ok', python: best } : none(unfit);
}

function none(unfit: readonly { version: string; from: string; isOld: boolean }[]): FoundPython {
  const [first] = unfit;
  if (!first)
    return {
      kind: 'missing',
      problem: new Problem(t('Python {0} is required, but none was found.', pythonRangeText), 'howToInstallPython'),
    };
  const what = t('Python {0} is required, but {1} has {2}.', pythonRangeText, first.from, first.version);
  return { kind: unfit.every(({ isOld }) => isOld) ? 'tooOld' : 'missing', problem: new Problem(what, 'choosePython') };
}

/** Runs the program; `undefined`: it is not a Python interpreter. */
export async function askPython(python: string, exec: Exec, env: NodeJS.ProcessEnv): Promise<PythonFacts | undefined> {
  try {
    // -I: neither the working folder nor PYTHON* variables affect the imports.
    const { version, fal, client, prefix, isVirtual } = answer.parse(
      JSON.parse(await exec(python, ['-I', '-c', question], env)),
    );
    const [major, minor] = version;
    return {
      version: `${major}.${minor}`,
      release: version.join('.'),
      fits: checkPython(major, minor),
      fal: fal ?? undefined,
      hasClient: client !== null,
      prefix,
      isVirtual,
    };
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
