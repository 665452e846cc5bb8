import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Finished } from './process.ts';
import type { PythonTools } from './python.ts';

/**
 * The real command line without 1.5 s of imports per command: Python imports it once and forks for every command. Each
 * command has its own process, arguments, standard streams and exit code, as if started from a shell.
 */
const server = `
import json, os, sys, tempfile
import fal.cli.main, fal.api, fal.api.client, fal.sdk, fal.apps, isolate_proto, httpx

def command(arguments):
    try:
        sys.argv = ["fal", *arguments]
        code = fal.cli.main()
    except SystemExit as error:
        code = error.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
    return code if isinstance(code, int) else int(code is not None)

for line in sys.stdin:
    asked = json.loads(line)
    files = [tempfile.TemporaryFile() for _ in range(3)]
    files[0].write(asked["input"].encode())
    files[0].seek(0)
    pid = os.fork()
    if pid == 0:
        for target, file in enumerate(files):
            os.dup2(file.fileno(), target)
        sys.stdin = open(0, closefd=False)
        os.chdir(asked["cwd"])
        code = command(asked["args"])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code & 255)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    texts = []
    for file in files[1:]:
        file.seek(0)
        texts.append(file.read().decode(errors="replace"))
    print(json.dumps({"code": code, "stdout": texts[0], "stderr": texts[1]}), flush=True)
`;
const answer = z.object({ code: z.number(), stdout: z.string(), stderr: z.string() });

export interface FalServer {
  /** Runs `fal ...` to its end; one command at a time. */
  fal(args: readonly string[], input?: string): Promise<Finished>;
  close(): void;
}

/** Starts it with the environment of an emulator's clients. If Python has ended, commands reject with its output. */
export function startFalServer(tools: PythonTools, environment: NodeJS.ProcessEnv, cwd: string): FalServer {
  const child = spawn(tools.python, ['-W', 'ignore', '-c', server], {
    cwd,
    env: tools.env(environment),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stdin.on('error', () => undefined);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();

  async function ask(args: readonly string[], input: string): Promise<Finished> {
    child.stdin.write(`${JSON.stringify({ args, input, cwd })}\n`);
    const { value, done } = await answers.next();
    if (done === true) throw new Error(`the command line ended: ${output}`);
    return answer.parse(JSON.parse(value));
  }

  return {
    fal(args, input = '') {
      const mine = last.then(() => ask(args, input));
      last = mine.catch(() => undefined);
      return mine;
    },
    close: () => void child.kill('SIGKILL'),
  };
}
