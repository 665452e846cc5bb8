import { type ChildProcess, spawn } from 'node:child_process';
import { signalChild } from '../signal.ts';
import { program } from './nvidia-smi.ts';

/** One nvidia-smi that answers the same query once a second. */
export interface Repeated {
  /** Starts it, unless it runs. */
  begin(): void;
  end(): void;
}

const everyMs = 1_000;
/** A longer line isn't nvidia-smi's. */
const maxLine = 4_096;
/**
 * Ends nvidia-smi with this process, however that ends: as long as no process uses a GPU it prints nothing, and doesn't
 * notice that nobody reads. Not every system has setpriv.
 */
const withUs = ['setpriv', '--pdeathsig', 'KILL'] as const;

export function createRepeated(
  query: readonly string[],
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Repeated {
  let child: ChildProcess | undefined;
  let prefix: readonly string[] = withUs;

  function begin(): void {
    if (child !== undefined) return;
    let own: ReturnType<typeof start>;
    try {
      own = start([...prefix, program, ...query, '-lms', String(everyMs)], env);
    } catch {
      return; // No process can be started now; the next call tries again.
    }
    child = own;
    let rest = '';
    own.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (child !== own) return;
      const lines = `${rest}${text}`.split('\n');
      rest = (lines.pop() ?? '').slice(0, maxLine);
      lines.forEach(onLine);
    });
    const failed = (): void => {
      if (child !== own) return;
      child = undefined;
      const isFirst = prefix.length > 0;
      prefix = [];
      if (isFirst) begin();
    };
    own.once('error', failed);
    own.once('exit', (code) => {
      // 1 and 127 are setpriv's own: it doesn't know the option, or can't start the program.
      if (code === 1 || code === 127) failed();
      else if (child === own) child = undefined;
    });
  }

  return {
    begin,
    end() {
      if (child) signalChild(child, 'SIGKILL');
      child = undefined;
    },
  };
}

function start([command = '', ...args]: readonly string[], env: NodeJS.ProcessEnv) {
  return spawn(command, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
}
