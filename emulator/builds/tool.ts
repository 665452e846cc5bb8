import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { isOutOfDescriptors, outOfDescriptors } from '../local/descriptors.ts';
import { createLineReader } from './lines.ts';

export interface ToolRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  /** Called for each line of either stream, as the tool prints it. */
  readonly line: (text: string) => void;
  /** Kills the tool and all processes that it started. */
  readonly signal?: AbortSignal;
}

/**
 * `code` is null when the tool could not be started or was killed; `output` then says why. Otherwise `output` holds the
 * tool's lines (the last ones, if there are very many).
 */
export interface ToolExit {
  readonly code: number | null;
  readonly output: readonly string[];
}

/** Characters of lines that are kept for the outcome; above this limit the older half is dropped. */
const maxKept = 4 * 1024 * 1024;

/** A process group of its own: uv starts compilers and Python for source packages, and they must end with it. */
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
      // An error that occurs before Node calls the system: an argument with NUL, a list that is too long, a path below
      // a file.
      resolve({ code: null, output: [`${run.command} could not be started: ${(error as Error).message}`] });
      return;
    }
    const output: string[] = [];
    let kept = 0;
    const take = (line: string) => {
      output.push(line);
      kept += line.length;
      if (kept > maxKept) {
        output.splice(0, Math.ceil(output.length / 2));
        kept = output.reduce((sum, { length }) => sum + length, 0);
      }
      run.line(line);
    };
    // Without a free descriptor, Node makes no streams at all; the 'error' event that follows reports it.
    const inputs: readonly (Readable | undefined)[] = [child.stdout, child.stderr];
    const streams = inputs.filter((input) => input !== undefined).map((input) => readLines(input, take));
    const kill = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is already gone, which is the desired result.
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

/** Calls `take` for each line and resolves at the end. */
function readLines(input: Readable, take: (line: string) => void): Promise<void> {
  const lines = createLineReader(take);
  input.on('data', (bytes: Buffer) => lines.write(bytes));
  return new Promise((ended) =>
    input.once('close', () => {
      lines.end();
      ended();
    }),
  );
}
