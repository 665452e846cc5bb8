import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../wire/errors.ts';
import { pythonOfMinor } from '../uv/pythons.ts';
import type { UvCall } from '../uv/run.ts';
import { type AgentResult, agentPackages, installAgent, type RunnerPackages, sdkPackages } from './agent.ts';

/** In the name of a folder of requirements: between the version of Python and the hash. */
const requirementsMark = '-requirements-';

/** The hash in the name of a folder of requirements; undefined for other packages. */
export function hashOfRequirements(name: string): string | undefined {
  return name.split(requirementsMark)[1];
}

type Line = (text: string) => void;

/** The Python that packages are installed for: its version (`3.11`), and uv's options that name it. */
export interface TargetPython {
  readonly minor: string;
  readonly options: readonly string[];
  /**
   * Whether its packages are compiled when they are installed, if this machine has a Python of that minor version. The
   * others are compiled when they are imported, and it keeps the bytecode.
   */
  readonly cantWrite?: true;
}

/** An interpreter of this machine. */
export function pythonAt(python: string, minor: string): TargetPython {
  return { minor, options: ['--python', python] };
}

/**
 * The folders of packages that runners get after the app's own packages; each is created once, when it is first needed.
 */
export function createRunnerPackages(agentsDir: string, uv: () => Promise<string>, call: Pick<UvCall, 'env' | 'mask'>) {
  const running = new Map<string, Promise<AgentResult>>();

  /** Not cancelled together with a build: the next build needs it as well. */
  function once(wanted: RunnerPackages, what: string, target: TargetPython, line: Line): Promise<AgentResult> {
    const known = running.get(wanted.name);
    if (known) return known;
    if (!existsSync(join(agentsDir, wanted.name))) line(`Installing ${what} (once)`);
    const started = uv()
      .then(async (path) => {
        const compiler = target.cantWrite && (await pythonOfMinor(path, call.env, target.minor));
        const compiled = compiler ? ['--python', compiler, '--compile-bytecode'] : [];
        return installAgent(agentsDir, wanted, [...target.options, ...compiled], { ...call, uv: path, line });
      })
      .finally(() => running.delete(wanted.name));
    running.set(wanted.name, started);
    return started;
  }

  return {
    /** The folder of the agent's packages, if it exists. */
    agentFolder(minor: string): string | undefined {
      const folder = join(agentsDir, agentPackages(minor).name);
      return existsSync(folder) ? folder : undefined;
    },

    agent(target: TargetPython, line: Line): Promise<AgentResult> {
      const { minor } = target;
      return once(agentPackages(minor), `the runner's own packages for Python ${minor}`, target, line);
    },

    /** The folder of an app's requirements. `hash`: of all that decides what is installed. */
    requirements(target: TargetPython, hash: string, packages: readonly string[], line: Line) {
      const name = `${target.minor}${requirementsMark}${hash}`;
      return once({ name, packages, leftOut: [], what: 'the requirements' }, 'the requirements', target, line);
    },

    /**
     * The folder of a release of the SDK, or a reason why it can't be installed. Asks for uv only when it has to
     * install.
     */
    async sdk(release: string, target: TargetPython, line: Line): Promise<AgentResult> {
      const { minor } = target;
      const wanted = sdkPackages(minor, release);
      const folder = join(agentsDir, wanted.name);
      if (existsSync(folder)) return { ok: true, folder };
      try {
        return await once(wanted, `fal ${release} with all it requires for Python ${minor}`, target, line);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return { ok: false, reason: `${error.message} ${error.next}` };
      }
    },

    /** Waits for installations in progress. */
    async close(): Promise<void> {
      await Promise.allSettled(running.values());
    },
  };
}
