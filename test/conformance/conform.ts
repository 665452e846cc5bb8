import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { groupBy } from '../support/group-by.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';
import { type Checkout, checkOut } from './checkout.ts';
import { prepareContainerTests } from './containers.ts';
import { createPytest, type Pytest } from './pytest.ts';
import { passedTests, regressions, resultsTable, type SuiteResult } from './results.ts';
import type { Sdk, Suite } from './sdks.ts';

export interface ConformOptions {
  /** Runs only this suite. */
  readonly only?: string | undefined;
  /** An expression for pytest's `-k`. */
  readonly filter?: string | undefined;
  /** Makes the tests that pass now the baseline. */
  readonly update: boolean;
  /** The number of parallel test processes. */
  readonly workers: number;
}

export interface Verdict {
  readonly passed: number;
  /** A sentence per test of the baseline that no longer passes, and per suite with unexpected counts. */
  readonly failures: readonly string[];
}

/** Runs the suites of one SDK against an emulator of its own, and writes its table of results when all of them ran. */
export async function conform(sdk: Sdk, options: ConformOptions): Promise<Verdict> {
  const suites = sdk.suites.filter(({ name }) => !options.only || name === options.only);
  const isWhole = !options.only && !options.filter;
  const tools = await pythonTools(sdk.requirements);
  const checkouts = await checkOutAll(suites);
  const containers = await prepareContainerTests(sdk, tools);
  const emulator = await startEmulator({ env: containers.env });
  try {
    const { skipped } = containers;
    const pytest = await createPytest({ ...options, sdk, tools, environment: emulator.env, skipped });
    await prepare(pytest, suites, checkouts, tools, emulator);
    const first: SuiteResult[] = [];
    for (const suite of suites) {
      console.log(`Running ${suite.tests} tests: ${suite.name} with fal ${sdk.version} …`);
      const results = await pytest.run(folderOf(suite, checkouts), suite, options.filter);
      first.push({ suite: suite.name, results, ...(suite.note ? { note: suite.note } : {}) });
    }

    const baseline = await readBaseline(sdk);
    const paths = suites.flatMap((suite) => suite.paths);
    const ran = (test: string) =>
      options.filter
        ? first.some(({ results }) => results.some((result) => result.test === test))
        : paths.some((path) => test.startsWith(path));
    const selected = (test: string) => !(test in skipped) && ran(test);
    const suspects = new Set(regressions(baseline, first, selected));
    const done: SuiteResult[] = [];
    for (const [index, suite] of suites.entries()) {
      const result = first[index];
      if (result) done.push(await retry(pytest, folderOf(suite, checkouts), result, suspects));
    }
    const failures = [
      ...regressions(baseline, done, selected).map((test) => `${test} passed before: ${reasonOf(test, done)}`),
      ...(isWhole ? suites.flatMap((suite) => shortfalls(suite, done)) : []),
    ];
    const isComplete = Object.keys(skipped).length === 0;
    if (isWhole && isComplete) await writeTable(sdk, tools, done);
    if (options.update && !isComplete) throw new Error(`--update needs every test: ${Object.values(skipped)[0]}.`);
    if (options.update) await writeFile(baselineFile(sdk), `${JSON.stringify(passedTests(done), null, 2)}\n`);
    for (const { suite, results } of done) {
      const counts = groupBy(results, (result) => result.outcome);
      console.log(`${suite}: ${[...counts].map(([outcome, list]) => `${list.length} ${outcome}`).join(', ')}`);
    }
    console.log(`Tracebacks: ${pytest.logFile}`);
    for (const failure of failures) console.log(`  ${failure}`);
    if (failures.length > 0) await showLastOutput(emulator);
    return { passed: passedTests(done).length, failures };
  } finally {
    await emulator.stop();
    await containers.end();
    for (const checkout of checkouts.values()) await checkout.remove();
  }
}

type Checkouts = ReadonlyMap<string, Checkout>;

/** One checkout per source distribution. */
async function checkOutAll(suites: readonly Suite[]): Promise<Checkouts> {
  const pip = await pythonTools();
  const checkouts = new Map<string, Checkout>();
  for (const { source } of suites) {
    if (!checkouts.has(source.package)) checkouts.set(source.package, await checkOut(source, pip));
  }
  return checkouts;
}

function folderOf({ source }: Suite, checkouts: Checkouts): string {
  const checkout = checkouts.get(source.package);
  if (!checkout) throw new Error(`${source.package} is not checked out.`);
  return checkout.folder;
}

/** Prepares everything that must exist before the time limit of any test starts. */
async function prepare(
  pytest: Pytest,
  suites: readonly Suite[],
  checkouts: Checkouts,
  tools: PythonTools,
  emulator: Emulator,
): Promise<void> {
  const own = checkouts.get('fal');
  if (own) {
    console.log('Building the environments that the suites need …');
    if (!(await pytest.warm(own.folder))) console.log('Some environments could not be built; their tests will fail.');
  }
  for (const [name, app] of suites.flatMap((suite) => Object.entries(suite.standIns ?? {}))) {
    console.log(`Deploying the stand-in ${name} …`);
    const cwd = join(import.meta.dirname, 'stand-ins');
    const deployed = await tools.fal(['deploy', app, '--app-name', name], emulator.env, { cwd, timeoutMs: 300_000 });
    if (deployed.code !== 0) console.log(`It could not be deployed:\n${deployed.stdout}${deployed.stderr}`);
  }
}

/** Reruns the failed tests of one suite, each alone; a test that passes then counts as passed. */
async function retry(
  pytest: Pytest,
  folder: string,
  suite: SuiteResult,
  suspects: ReadonlySet<string>,
): Promise<SuiteResult> {
  const again = [];
  for (const result of suite.results) {
    if (!suspects.has(result.test)) {
      again.push(result);
      continue;
    }
    const second = await pytest.runAlone(folder, result.nodeid);
    if (second?.outcome === 'passed') console.log(`${result.test} passed on retry; first: ${result.reason}`);
    again.push(second ?? result);
  }
  return { ...suite, results: again };
}

function reasonOf(test: string, done: readonly SuiteResult[]): string {
  const result = done.flatMap(({ results }) => results).find((one) => one.test === test);
  return result ? `now ${result.outcome}: ${result.reason}` : 'now it does not run';
}

function shortfalls({ name, tests, minPassed = 0 }: Suite, done: readonly SuiteResult[]): readonly string[] {
  const results = done.find(({ suite }) => suite === name)?.results ?? [];
  const passed = results.filter((result) => result.outcome === 'passed').length;
  const problems = [];
  if (results.length !== tests) problems.push(`${name} ran ${results.length} tests of ${tests}`);
  if (passed < minPassed) problems.push(`${name} passed ${passed} tests; at least ${minPassed} must`);
  return problems;
}

function baselineFile(sdk: Sdk): string {
  return join(sdk.folder, 'baseline.json');
}

async function readBaseline(sdk: Sdk): Promise<readonly string[]> {
  const file = baselineFile(sdk);
  if (!existsSync(file)) return [];
  return z.array(z.string()).parse(JSON.parse(await readFile(file, 'utf8')));
}

async function writeTable(sdk: Sdk, tools: PythonTools, done: readonly SuiteResult[]): Promise<void> {
  const table = resultsTable(done, [`fal ${sdk.version}`, `Python ${tools.version}`]);
  const committed = existsSync(sdk.results) ? await readFile(sdk.results, 'utf8') : '';
  if (table === committed) return;
  await writeFile(sdk.results, table);
  console.log(`${relative(root, sdk.results)} is different from the committed one.`);
}

async function showLastOutput(emulator: Emulator): Promise<void> {
  const ownLog = await readFile(join(emulator.dataDir, 'emulator.log'), 'utf8').catch(() => '');
  console.log(`\nThe end of the emulator's output:\n${emulator.logText().slice(-2000)}${ownLog.slice(-4000)}`);
}
