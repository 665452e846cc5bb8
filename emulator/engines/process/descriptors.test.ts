import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const room = import.meta.dirname;

/** A program: an engine whose runner, and a command in it, print what they have open; forked and started afresh. */
const program = `
import { createProcessEngine } from '${room}/process-engine.ts';
import { runnerSources, specFor, workFolder } from '${room}/testing/runners.ts';
import { watch } from '${room}/../testing/watch.ts';
const work = workFolder();
const engine = createProcessEngine({ dataDir: work.root, runnerSources });
const app = \`
import os, signal, subprocess, sys, time
def targets():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try: found[int(name)] = os.readlink("/proc/self/fd/" + name)
        except OSError: pass
    return sorted(to for fd, to in found.items() if fd > 2)
def main():
    if os.environ.get("CRASH") and "--runner" not in open("/proc/self/cmdline").read():
        os.kill(os.getpid(), signal.SIGSEGV)
    print("open", targets(), flush=True)
    time.sleep(1000)
\`;
async function openIn(env) {
  const runner = watch(engine, specFor(work, app, { env }));
  const line = await runner.line(/^open/);
  const command = await new Promise((resolve) => {
    let seen = '';
    const output = (_stream, bytes) => { seen += Buffer.from(bytes); };
    const list = ['sh', '-c', 'for fd in /proc/$$/fd/*; do readlink $fd; done'];
    runner.handle.exec(list, { tty: false }, { output, drained() {}, exited: () => resolve(seen) });
  });
  return [line.text, command];
}
const answers = { forked: await openIn({}), afresh: await openIn({ CRASH: '1' }) };
await engine.close();
work.remove();
process.stdout.write(JSON.stringify(answers));
`;

describe.runIf(process.platform === 'linux')('descriptors that the starting shell left open', () => {
  it('reach neither runners nor commands in them; a runner has its channel', async () => {
    const node = [process.execPath, '--input-type=module', '-e', program];
    const left = 'exec 7</etc/hostname 88</etc/hostname 99>/dev/null; exec "$@"';
    const { stdout } = await promisify(execFile)('bash', ['-c', left, 'bash', ...node]);
    const { forked, afresh } = JSON.parse(stdout);
    const own = /^open \['socket:\[\d+\]'\]$/;
    for (const [runner, command] of [forked, afresh]) {
      expect(runner).toMatch(own);
      expect(command).not.toMatch(/hostname/);
      expect(
        command
          .trim()
          .split('\n')
          .filter((target: string) => !/^(pipe|socket):/.test(target)),
      ).toEqual([]);
    }
  });
});
