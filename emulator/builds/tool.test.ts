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
