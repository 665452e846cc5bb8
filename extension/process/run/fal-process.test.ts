import { describe, expect, it } from 'vitest';
import { runFal } from './fal-process.ts';

function run(program: string) {
  let text = '';
  let onMore: () => void = () => {};
  const result = runFal({
    command: process.execPath,
    args: ['-e', program],
    cwd: '/',
    env: { GIVEN: 'yes' },
    onText(more) {
      text += more;
      onMore();
    },
  });
  const prints = (words: string) =>
    new Promise<void>((resolve) => {
      onMore = () => text.includes(words) && resolve();
      onMore();
    });
  return { ...result, prints, text: () => text };
}

describe('a process of fal', () => {
  it('has the environment that it was given, and no other', async () => {
    const { ended, text } = run(
      'console.log(process.env.GIVEN, process.env.HOME); console.error("oops"); process.exitCode = 3',
    );
    expect(await ended).toEqual({ code: 3, stopped: false });
    expect(text()).toMatch(/yes undefined\n/);
  });

  it('is interrupted as by Ctrl-C, and can shut down gracefully', async () => {
    const { stop, prints, ended } = run(
      'process.on("SIGINT", () => process.exit(0)); setInterval(() => {}, 1e6); console.log("up")',
    );
    await prints('up');
    stop();
    stop();
    expect(await ended).toEqual({ code: 0, stopped: true });
  });

  it('ends together with its child processes', async () => {
    const child = 'setInterval(() => {}, 1e6); console.log("child " + process.pid)';
    const { stop, prints, ended } = run(
      `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" })`,
    );
    await prints('child');
    stop();
    // The pipes close when the last of the group has gone.
    expect(await ended).toEqual({ code: 130, stopped: true });
  });

  it('reports that it can’t start', async () => {
    let text = '';
    const onText = (more: string) => {
      text += more;
    };
    const { ended } = runFal({ command: '/nowhere/fal', args: [], cwd: '/', env: {}, onText });
    expect(await ended).toMatchObject({ code: 127 });
    expect(text).toContain('/nowhere/fal');
  });
});
