import { describe, expect, it } from 'vitest';
import { runTool } from './tool.ts';

describe('a tool that cannot be started', () => {
  it.each([
    ['an argument with NUL', process.execPath, ['a\0b']],
    ['a path below a file', `${import.meta.filename}/uv`, []],
    ['arguments that are too long', process.execPath, ['x'.repeat(3_000_000)]],
    ['no such file', '/no/such/tool', []],
  ])('by %s is an outcome, not an error', async (_what, command, args) => {
    const { code, output } = await runTool({ command, args, cwd: '/', env: {}, line: () => undefined });
    expect(code).toBeNull();
    expect(output.join()).toMatch(/could not be started: /);
  });
});

describe('what a tool prints', () => {
  const run = async (program: string) => {
    const lines: string[] = [];
    const env = { PATH: process.env.PATH ?? '' };
    const exit = await runTool({
      command: process.execPath,
      args: ['-e', program],
      cwd: '/',
      env,
      line: (text) => lines.push(text),
    });
    return { lines, ...exit };
  };

  it('is split into lines, whatever the line ending', async () => {
    const { lines, output } = await run(
      `process.stdout.write('one\\r\\ntwo\\n\\n  three\\rf\u00fcnf'); process.exitCode = 2`,
    );
    expect(lines).toEqual(['one', 'two', '  three', 'f\u00fcnf']);
    expect(output).toEqual(lines);
  });

  it('may be a line longer than the longest string: it is dropped, and later lines are kept', async () => {
    // Node's longest string has 512 MiB.
    const { code, output } = await run(
      `const { writeSync } = require('node:fs'); const b = Buffer.alloc(2 ** 20, 120);
       for (let n = 0; n < 520; n++) for (let at = 0; at < b.length; ) {
         try { at += writeSync(1, b, at) } catch (error) { if (error.code !== 'EAGAIN') throw error }
       }
       console.log('\\nend')`,
    );
    expect(code).toBe(0);
    expect(output).toEqual(['[a line of more than a million characters was omitted]', 'end']);
  });

  it('is limited to its end when there is very much of it', async () => {
    const { lines, output } = await run("for (let n = 0; n < 100_000; n++) console.log(n + ' ' + 'x'.repeat(100))");
    expect(lines).toHaveLength(100_000);
    expect(output.at(-1)).toMatch(/^99999 x/);
    expect(output.join('').length).toBeLessThan(5 * 2 ** 20);
  });
});
