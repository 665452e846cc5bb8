import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../wire/errors.ts';
import type { UvCall } from '../uv/run.ts';
import { type AgentResult, agentPackages, installAgent, type RunnerPackages, sdkPackages } from './agent.ts';

type Line = (text: string) => void;

/** For which Python packages are installed: its interpreter, and its version (`3.11`). */
export interface TargetPython {
  readonly python: string;
  readonly minor: string;
}

/** The folders of packages that runners have behind the app's own; each is made once, when it is first needed. */
export function createRunnerPackages(agentsDir: string, uv: () => Promise<string>, call: Pick<UvCall, 'env' | 'mask'>) {
  const running = new Map<string, Promise<AgentResult>>();

  /** Not cancelled with a build: the next one needs it as well. */
  function once(wanted: RunnerPackages, what: string, python: string, line: Line): Promise<AgentResult> {
    const known = running.get(wanted.name);
    if (known) return known;
    if (!existsSync(join(agentsDir, wanted.name))) line(`Installing ${what} (once)`);
    const started = uv()
      .then((path) => installAgent(agentsDir, wanted, python, { ...call, uv: path, line }))
      .finally(() => running.delete(wanted.name));
    running.set(wanted.name, started);
    return started;
  }

  return {
    /** The folder of the agent's packages, if it is there. */
    agentFolder(minor: string): string | undefined {
      const folder = join(agentsDir, agentPackages(minor).name);
      return existsSync(folder) ? folder : undefined;
    },

    agent({ python, minor }: TargetPython, line: Line): Promise<AgentResult> {
      return once(agentPackages(minor), `the runner's own packages for Python ${minor}`, python, line);
    },

    /** The folder of a release of the SDK; a reason when it can't be installed. Asks for uv only when it must be. */
    async sdk(release: string, { python, minor }: TargetPython, line: Line): Promise<AgentResult> {
      const wanted = sdkPackages(minor, release);
      const folder = join(agentsDir, wanted.name);
      if (existsSync(folder)) return { ok: true, folder };
      try {
        return await once(wanted, `fal ${release} with all it requires for Python ${minor}`, python, line);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return { ok: false, reason: `${error.message} ${error.next}` };
      }
    },

    /** Waits for what is being installed. */
    async close(): Promise<void> {
      await Promise.allSettled(running.values());
    },
  };
}
