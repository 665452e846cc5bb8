import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Callable, CallResult, RunnerSpec } from '../engine.ts';
import { engineLab } from './testing/lab.ts';
import type { Virtualenv } from './virtualenv.ts';

const lab = engineLab();

function run(text: string, rest: Partial<RunnerSpec<Virtualenv>> = {}) {
  const runner = lab.start(text, { mode: 'call', ...rest });
  runner.ready.then(
    () => runner.handle.call(),
    () => undefined,
  );
  return runner;
}

/** The result's file, as Python loads it. */
function unpickled(result: CallResult): string {
  if (result.kind !== 'value') throw new Error(result.reason);
  const program = 'import pickle, sys; print(repr(pickle.loads(sys.stdin.buffer.read())), end="")';
  return execFileSync('python3', ['-c', program], { input: readFileSync(result.file) }).toString();
}

/** The pickled value of a Python expression; `later` is a callable that evaluates its text in the runner. */
function pickled(expression: string): Callable {
  const program = `
import functools, operator, pickle, sys
later = lambda text: functools.partial(eval, text, {})
sys.stdout.buffer.write(pickle.dumps(eval(sys.argv[1])))`;
  return {
    kind: 'pickle',
    method: 'pickle',
    file: lab.work.file(execFileSync('python3', ['-c', program, expression])),
  };
}

describe('a function run', () => {
  it('waits for the call after it was loaded, and returns its value', async () => {
    const runner = lab.start('def main(): return {"a": [1, 2]}', { mode: 'call' });
    expect(await runner.ready).toBeNull();
    expect(runner.order).toEqual(['started', 'ready']);
    runner.handle.call();
    const result = await runner.result;
    expect(result).toMatchObject({ kind: 'value', method: 'pickle', raised: false });
    expect(unpickled(result)).toBe("{'a': [1, 2]}");
    expect(await runner.exited).toMatchObject({ code: 0 });
    expect(runner.order).toEqual(['started', 'ready', 'result', 'exited']);
  });

  it('returns a value of 16 MiB', async () => {
    const result = await run('def main(): return b"x" * (16 << 20)').result;
    expect(readFileSync(result.kind === 'value' ? result.file : '').length).toBeGreaterThan(16 << 20);
  });

  it('awaits a coroutine', async () => {
    expect(
      unpickled(await run('import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 5').result),
    ).toBe('5');
  });

  it('returns the exception with a traceback of user code only', async () => {
    const result = await run('def inner(): raise ValueError("bad π")\ndef main(): inner()').result;
    expect(result).toMatchObject({
      kind: 'value',
      raised: true,
      exceptionType: 'ValueError',
      exceptionMessage: 'bad π',
    });
    if (result.kind !== 'value' || !result.raised) throw new Error('not raised');
    expect(result.traceback).toMatch(
      /^Traceback \(most recent call last\):\n {2}File "[^"]*app_under_test\.py", line 2, in main/,
    );
    expect(result.traceback).toMatch(/ValueError: bad π\n$/);
    expect(unpickled(result)).toBe("ValueError('bad π')");
  });

  it('shows the chain of causes in the text', async () => {
    const result = await run(`
def main():
    try: 1 / 0
    except ZeroDivisionError as error: raise KeyError("outer") from error`).result;
    if (result.kind !== 'value' || !result.raised) throw new Error('not raised');
    expect(result.traceback).toMatch(/ZeroDivisionError.*direct cause.*KeyError: 'outer'/s);
  });

  it('captures sys.exit like an exception', async () => {
    expect(await run('import sys\ndef main(): sys.exit("enough")').result).toMatchObject({
      raised: true,
      exceptionType: 'SystemExit',
      exceptionMessage: 'enough',
    });
  });

  it('returns a failing import as a raised result when it is an entry point', async () => {
    expect(await run('import no_such_module').result).toMatchObject({
      raised: true,
      exceptionType: 'ModuleNotFoundError',
    });
    const callable = { kind: 'entrypoint', name: 'app_under_test' } as const;
    expect(await run('', { callable }).result).toMatchObject({ raised: true, exceptionType: 'ValueError' });
  });

  it('is refused before any call when the bytes are not a callable', async () => {
    for (const [bytes, reason] of [
      ['rubbish', /^The function function could not be deserialized: UnpicklingError/],
      [
        'cno_such_module\nx\n.',
        /^The function function could not be deserialized: ModuleNotFoundError: No module named 'no_such_module'$/,
      ],
      ['I5\n.', /^The function function must be callable, not int\.$/],
    ] as const) {
      const runner = run('', { callable: { kind: 'pickle', method: 'pickle', file: lab.work.file(bytes) } });
      expect(await runner.result).toEqual({ kind: 'refused', reason: expect.stringMatching(reason) });
      expect(runner.order.slice(0, 2)).toEqual(['started', 'result']);
    }
  });

  it('is refused when its method is not a module of the environment', async () => {
    const runner = run('', { callable: { kind: 'pickle', method: 'no_such_pickle', file: lab.work.file('x') } });
    expect(await runner.result).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('could not be deserialized'),
    });
  });

  it('is refused when its result cannot be serialized', async () => {
    expect(await run('def main(): return (i for i in [])').result).toEqual({
      kind: 'refused',
      reason: "Error while serializing the execution result (object of type <class 'generator'>).",
    });
  });

  it('passes the setup function result as the first argument, though it cannot be serialized', async () => {
    const setup = pickled(`later('__import__("threading").Lock()')`);
    const runner = run('', { callable: pickled('operator.methodcaller("locked")'), setup });
    expect(unpickled(await runner.result)).toBe('False');
  });

  it('returns the exception of a setup function that raises, without running the function', async () => {
    const runner = run('', { callable: pickled(`later('print("ran")')`), setup: pickled(`later('1 / 0')`) });
    expect(await runner.result).toMatchObject({ raised: true, exceptionType: 'ZeroDivisionError' });
    await runner.exited;
    expect(runner.order).not.toContain('ready');
    expect(runner.lines.map((line) => line.text)).not.toContain('ran');
  });

  it('that dies has no result but a reason', async () => {
    const runner = run('import os\ndef main(): os.kill(os.getpid(), 9)');
    expect((await runner.exited).reason).toMatch(/died with <Signals\.SIGKILL: 9>\.`$/);
    expect(runner.order).toEqual(['started', 'ready', 'exited']);
  });

  it('ends even if the function left a thread running', async () => {
    const text =
      'import threading, time\ndef main(): threading.Thread(target=time.sleep, args=(3600,)).start(); return 1';
    const runner = run(text);
    expect(unpickled(await runner.result)).toBe('1');
    expect(await runner.exited).toMatchObject({ code: 0 });
  });

  it('reports its lines before its exit, each complete', async () => {
    const runner = run('def main():\n    for i in range(1000): print("line", i)\n    print("no newline", end="")');
    await runner.exited;
    const whole = runner.lines.filter(({ unfinished }) => !unfinished);
    expect(whole.map((line) => line.text)).toEqual([
      ...Array.from({ length: 1000 }, (_, i) => `line ${i}`),
      'no newline',
    ]);
  });
});
