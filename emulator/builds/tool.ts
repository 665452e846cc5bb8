import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isOutOfDescriptors, outOfDescriptors } from '../wire/descriptors.ts';

export interface ToolRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  /** Called for each line of either stream, as the tool prints it. */
  readonly line: (text: string) => void;
  /** Kills the tool and whatever it started. */
  readonly signal?: AbortSignal;
}

/** `code` is null when the tool could not be started or was killed; `output` then says why, else it holds all its lines. */
export interface ToolExit {
  readonly code: number | null;
  readonly output: readonly string[];
}

/** A group of its own: uv starts compilers and Python for source packages, and they must end with it. */
function start(run: ToolRun) {
  return spawn(run.command, run.args, {
    cwd: run.cwd,
    env: run.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs a command-line tool to its end. Never rejects. */
export function runTool(run: ToolRun): Promise<ToolExit> {
  return new Promise((resolve) => {
    if (run.signal?.aborted) return resolve({ code: null, output: ['cancelled'] });
    let child: ReturnType<typeof start>;
    try {
      child = start(run);
    } catch (error) {
      // What Node can't even hand to the system: an argument with NUL, a list that is too long, a path below a file.
      resolve({ code: null, output: [`${run.command} could not be started: ${(error as Error).message}`] });
      return;
    }
    const output: string[] = [];
    const take = (text: string) => {
      const line = text.trimEnd();
      if (line === '') return;
      output.push(line);
      run.line(line);
    };
    // Without a descriptor left, node makes no streams at all; the 'error' that follows says so.
    const inputs: readonly (Readable | undefined)[] = [child.stdout, child.stderr];
    const streams = inputs
      .filter((input) => input !== undefined)
      .map((input) => {
        const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
        lines.on('line', take);
        return new Promise<void>((ended) => lines.once('close', ended));
      });
    const kill = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is gone already: that is what was asked for.
      }
    };
    run.signal?.addEventListener('abort', kill, { once: true });
    child.once('error', (error) => {
      run.signal?.removeEventListener('abort', kill);
      const why = isOutOfDescriptors(error)
        ? outOfDescriptors(`start ${run.command}`).message
        : `${run.command} could not be started: ${error.message}`;
      resolve({ code: null, output: [why] });
    });
    child.once('close', async (code) => {
      run.signal?.removeEventListener('abort', kill);
      await Promise.all(streams);
      resolve({ code, output });
    });
  });
}
