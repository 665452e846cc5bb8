import { existsSync, rmSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { start } from '../support/process.ts';
import type { PythonTools } from '../support/python.ts';
import { cacheDir } from '../support/root.ts';
import { readReport, type TestResult } from './report.ts';
import type { Sdk, Suite } from './sdks.ts';

export interface PytestDeps {
  readonly sdk: Sdk;
  readonly tools: PythonTools;
  /** The environment of a client of the emulator. */
  readonly environment: NodeJS.ProcessEnv;
  /** The number of parallel test processes. */
  readonly workers: number;
  /** Tests that this machine lacks something for, with the reason; besides those of skips.json. */
  readonly skipped: { readonly [test: string]: string };
}

/** Seconds per test, fixtures included; upstream's own figures (60 to 180) leave the deploys of fixtures out. */
const testTimeoutSeconds = 120;
/** The limit of a whole suite; tests that haven't ended by then count as failed. */
const suiteTimeoutMs = 25 * 60_000;

/**
 * `python_files`: until 1.75, a file of the integration tests was called `test.py`, which pytest doesn't collect by
 * default.
 */
const settings = ['-o', 'python_files=test*.py', '-q', '--durations=10', '--tb=short', '-rN'];

/** Runs upstream's tests with our plugin, in the folder where their source distribution was unpacked. */
export async function createPytest({ sdk, tools, environment, workers, skipped }: PytestDeps) {
  const logFile = join(cacheDir, `conformance-${sdk.version}.log`);
  const scratch = await mkdtemp(join(tmpdir(), 'minifal-pytest-'));
  process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
  const selection = join(scratch, 'selection.json');
  const [skips, unskip] = await Promise.all(
    ['skips.json', 'unskips.json'].map((name) => readSelection(join(sdk.folder, name))),
  );
  await writeFile(selection, JSON.stringify({ skip: { ...skips, ...skipped }, unskip }));
  await rm(logFile, { force: true });
  let runs = 0;

  const python = async (cwd: string, args: readonly string[], extra: NodeJS.ProcessEnv, timeoutMs: number) => {
    const paths = [cwd, import.meta.dirname].join(delimiter);
    // isolate keeps its locks in <temporary folder>/locks, which another user of this machine may have made.
    const env = { ...tools.env(environment), PYTHONPATH: paths, COLUMNS: '120', TMPDIR: scratch, ...extra };
    const running = start(tools.python, args, { cwd, env });
    const timer = setTimeout(() => running.signal('SIGKILL'), timeoutMs);
    const { code } = await running.finished.finally(() => clearTimeout(timer));
    return { code, output: running.output() };
  };

  const pytest = async (cwd: string, args: readonly string[]) => {
    const report = join(scratch, `report-${++runs}.jsonl`);
    const { code, output } = await python(
      cwd,
      [...['-W', 'ignore', '-m', 'pytest', '-p', 'plugin', ...settings], ...args],
      {
        CONFORMANCE_SELECTION: selection,
        CONFORMANCE_REPORT: report,
        CONFORMANCE_TIMEOUT: String(testTimeoutSeconds),
      },
      suiteTimeoutMs,
    );
    // 0: all passed, 1: some failed, 5: no test matched the filter; any other code means that pytest itself failed.
    if (code !== 0 && code !== 1 && code !== 5) console.log(`pytest ended with ${code}:\n${output.slice(-4000)}`);
    return { results: existsSync(report) ? await readReport(report) : [], output };
  };

  return {
    /** The complete pytest output of the last whole suites, with tracebacks; too long for the console. */
    logFile,
    /**
     * Builds all environments of the SDK's own suites in the emulator; `false`: some builds failed, and were printed.
     */
    async warm(folder: string): Promise<boolean> {
      const program = ['-W', 'ignore', join(import.meta.dirname, 'warm.py')];
      const { code, output } = await python(folder, program, {}, 15 * 60_000);
      // Keeps the program's own lines; those of the SDK begin with a time or an arrow.
      console.log(code === 0 ? output.match(/^ {2}.*$/gm)?.join('\n') : output);
      return code === 0;
    },
    /** Whole files or folders, in parallel. @param filter an expression for pytest's `-k` */
    async run(folder: string, suite: Suite, filter?: string): Promise<readonly TestResult[]> {
      // worksteal gives each worker consecutive tests, which share deployed apps.
      const sharing = suite.inOrder ? 'loadfile' : 'worksteal';
      const args = ['-n', String(workers), '--dist', sharing, ...(filter ? ['-k', filter] : [])];
      const { results, output } = await pytest(folder, [...args, ...suite.paths]);
      await appendFile(logFile, output);
      return results;
    },
    /** Runs only one test, and shows pytest's output. */
    async runAlone(folder: string, nodeid: string): Promise<TestResult | undefined> {
      const { results, output } = await pytest(folder, [nodeid]);
      console.log(output);
      return results[0];
    },
  };
}

export type Pytest = Awaited<ReturnType<typeof createPytest>>;

async function readSelection(file: string) {
  return z.record(z.string(), z.string()).parse(JSON.parse(await readFile(file, 'utf8')));
}
