// Runs fal's own test suites with the real SDK against a fresh emulator, and fails when a test of baseline.json no longer passes.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startEmulator } from '../support/emulator.ts';
import { groupBy } from '../support/group-by.ts';
import { pythonTools } from '../support/python.ts';
import { createPytest, logFile } from './pytest.ts';
import { passedTests, regressions, resultsTable, type SuiteResult } from './results.ts';
import { checkOutSuite, pin, type SuiteName, suites } from './suite.ts';

const here = import.meta.dirname;
const baselineFile = join(here, 'baseline.json');
const tableFile = join(here, 'RESULTS.md');
/** The project's own bar, whatever the baseline says. */
const leastPassed: { readonly [suite in SuiteName]: number } = { e2e: 20, integration: 0 };

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    filter: { type: 'string' },
    update: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
  },
});
const names = (Object.keys(suites) as SuiteName[]).filter((name) => !options.only || name === options.only);
if (names.length === 0) throw new Error(`--only takes ${Object.keys(suites).join(' or ')}.`);
const isWhole = !options.only && !options.filter;
if (options.update && !isWhole) throw new Error('--update needs the whole run: no --only, no --filter.');

const tools = await pythonTools();
const checkout = await checkOutSuite(tools);
const emulator = await startEmulator();
let failures: readonly string[];
try {
  const pytest = await createPytest({ tools, checkout, environment: emulator.env, workers: Number(options.workers) });
  console.log('Building the environments that the suites need …');
  if (!(await pytest.warm())) console.log('Some environments could not be built; their tests will tell.');

  let done: SuiteResult[] = [];
  for (const suite of names) {
    console.log(`Running ${suites[suite].tests} tests: ${suites[suite].paths.join(' ')} …`);
    done.push({ suite, results: await pytest.run(suites[suite].paths, options.filter) });
  }
  const baseline = await readBaseline();
  const paths = names.flatMap((name) => suites[name].paths);
  const selected = (test: string) =>
    options.filter
      ? done.some(({ results }) => results.some((result) => result.test === test))
      : paths.some((path) => test.startsWith(path));
  const suspects = new Set(regressions(baseline, done, selected));
  const settled: SuiteResult[] = [];
  for (const suite of done) settled.push(await retry(pytest, suite, suspects));
  done = settled;
  failures = [
    ...regressions(baseline, done, selected).map((test) => `${test} passed before: ${reasonOf(test, done)}`),
    ...(isWhole ? done.flatMap(shortfalls) : []),
  ];
  if (isWhole) await writeTable(done);
  if (options.update) await writeFile(baselineFile, `${JSON.stringify(passedTests(done), null, 2)}\n`);
  for (const { suite, results } of done) {
    const counts = groupBy(results, (result) => result.outcome);
    console.log(`${suite}: ${[...counts].map(([outcome, list]) => `${list.length} ${outcome}`).join(', ')}`);
  }
  console.log(`Tracebacks: ${logFile}`);
  for (const failure of failures) console.log(`  ${failure}`);
  if (failures.length > 0) {
    const ownLog = await readFile(join(emulator.dataDir, 'emulator.log'), 'utf8').catch(() => '');
    console.log(`\nThe emulator's last words:\n${emulator.logText().slice(-2000)}${ownLog.slice(-4000)}`);
  }
  console.log(`${passedTests(done).length} passed, ${failures.length} failed`);
} finally {
  await emulator.stop();
  await checkout.remove();
}
process.exit(failures.length > 0 ? 1 : 0);

/** Runs the suspects of one suite again, each alone; a test that passes then has passed. */
async function retry(
  pytest: Awaited<ReturnType<typeof createPytest>>,
  { suite, results }: SuiteResult,
  suspects: ReadonlySet<string>,
): Promise<SuiteResult> {
  const again = [];
  for (const result of results) {
    if (!suspects.has(result.test)) {
      again.push(result);
      continue;
    }
    const second = await pytest.runAlone(result.nodeid);
    if (second?.outcome === 'passed') console.log(`${result.test} passed on retry; first: ${result.reason}`);
    again.push(second ?? result);
  }
  return { suite, results: again };
}

function reasonOf(test: string, done: readonly SuiteResult[]): string {
  const result = done.flatMap(({ results }) => results).find((one) => one.test === test);
  return result ? `now ${result.outcome}: ${result.reason}` : 'now it does not run';
}

function shortfalls({ suite, results }: SuiteResult): readonly string[] {
  const name = suite as SuiteName;
  const passed = results.filter((result) => result.outcome === 'passed').length;
  const told = [];
  if (results.length !== suites[name].tests) {
    told.push(`${suite} ran ${results.length} tests of ${suites[name].tests}`);
  }
  if (passed < leastPassed[name]) told.push(`${suite} passed ${passed} tests; at least ${leastPassed[name]} must`);
  return told;
}

async function readBaseline(): Promise<readonly string[]> {
  if (!existsSync(baselineFile)) return [];
  return z.array(z.string()).parse(JSON.parse(await readFile(baselineFile, 'utf8')));
}

async function writeTable(done: readonly SuiteResult[]): Promise<void> {
  const table = resultsTable(done, [`${pin.package} ${pin.version}`, `Python ${tools.version}`]);
  const committed = existsSync(tableFile) ? await readFile(tableFile, 'utf8') : '';
  if (table === committed) return;
  await writeFile(tableFile, table);
  console.log('test/conformance/RESULTS.md is different from the committed one.');
}
