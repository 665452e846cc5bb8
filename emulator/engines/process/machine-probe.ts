import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { pythonNames } from '../../local/python-versions.ts';
import { type Missing, missingSchema } from '../../wire/isolation.ts';
import type { SupervisorConfig } from './messages.ts';

/** Any of them will do, because the probe tests the machine. */
const pythons = ['python3', ...pythonNames];
const patienceMs = 20_000;
const answerSchema = z.array(missingSchema);

/**
 * What runners have to do without on this machine, tested in the same way as by a supervisor; `undefined`: no Python on
 * PATH could find out. Never rejects. `signal` ends the probe.
 */
export async function probeMachine(deps: {
  readonly runnerSources: string;
  readonly config: SupervisorConfig;
  readonly env: { readonly [name: string]: string };
  readonly signal: AbortSignal;
}): Promise<readonly Missing[] | undefined> {
  for (const python of pythons) {
    if (deps.signal.aborted) return undefined;
    const found = await ask(python, deps);
    if (found) return found;
  }
  return undefined;
}

function ask(python: string, deps: Parameters<typeof probeMachine>[0]): Promise<readonly Missing[] | undefined> {
  const args = [join(deps.runnerSources, 'supervisor/supervisor.py'), '--probe', JSON.stringify(deps.config)];
  const options = { cwd: '/', env: deps.env, signal: deps.signal, timeout: patienceMs };
  return new Promise((resolve) => {
    try {
      execFile(python, args, options, (_error, stdout) => resolve(parsed(stdout)));
    } catch {
      // No descriptor was left for its pipes: the first runner will find out.
      resolve(undefined);
    }
  });
}

function parsed(answer: string): readonly Missing[] | undefined {
  try {
    return answerSchema.parse(JSON.parse(answer));
  } catch {
    return undefined;
  }
}
