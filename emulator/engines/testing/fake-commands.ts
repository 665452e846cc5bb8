import type { ExecIo, ExecOptions, ExecSession } from '../engine.ts';
import { noSession } from '../no-session.ts';

const killedCode = 137;

/** How a running command handles its input. */
interface Running {
  typed?(text: string): void;
  inputOver?(): void;
}

interface Self {
  print(stream: 1 | 2, text: string): void;
  exit(code: number): void;
}

type Program = (self: Self, args: readonly string[], options: ExecOptions) => Running | undefined;

/** A few programs of a POSIX system, as far as conformance.ts needs them. */
const programs: { readonly [name: string]: Program } = {
  echo({ print, exit }, args) {
    print(1, `${args.join(' ')}\n`);
    exit(0);
    return undefined;
  },
  false({ exit }) {
    exit(1);
    return undefined;
  },
  ls({ print, exit }, [name]) {
    print(2, `ls: cannot access '${name}': No such file or directory\n`);
    exit(2);
    return undefined;
  },
  cat: ({ print, exit }) => ({ typed: (text) => print(1, text), inputOver: () => exit(0) }),
  sleep: () => ({}),
  stty({ print, exit }, _args, { size = { rows: 24, columns: 80 } }) {
    print(1, `${size.rows} ${size.columns}\r\n`);
    exit(0);
    return undefined;
  },
  /** The login shell: knows `exit`. */
  '-sh'({ exit }) {
    let line = '';
    return {
      typed(text) {
        line += text;
        const asked = /exit (\d+)\n/.exec(line);
        if (asked) exit(Number(asked[1]));
      },
    };
  },
};

/** A command in a fake runner. It ends with the runner. */
export function fakeCommand(
  command: readonly string[] | null,
  options: ExecOptions,
  io: ExecIo,
  runnerEnded: AbortSignal,
): ExecSession {
  const [name = '', ...args] = command ?? ['-sh'];
  let over = runnerEnded.aborted;
  if (over) {
    queueMicrotask(() => io.exited(killedCode, true));
    return noSession;
  }
  const later = (report: () => void): void => void setImmediate(() => over || report());
  function exit(code: number, withRunner?: true): void {
    if (over) return;
    over = true;
    runnerEnded.removeEventListener('abort', withTheRunner);
    setImmediate(() => io.exited(code, ...(withRunner ? ([true] as const) : [])));
  }
  const withTheRunner = (): void => exit(killedCode, true);
  runnerEnded.addEventListener('abort', withTheRunner);
  const self: Self = {
    print: (stream, text) => later(() => io.output(stream, Buffer.from(text))),
    exit: (code) => later(() => exit(code)),
  };
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
  const running = program ? program(self, args, options) : undefined;
  if (!program) self.exit(127);
  return {
    ...noSession,
    write(bytes) {
      if (!over) running?.typed?.(Buffer.from(bytes).toString());
      return true;
    },
    closeInput: () => void (over || running?.inputOver?.()),
    kill: () => exit(killedCode),
  };
}
