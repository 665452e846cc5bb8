// Runs a suite of vitest for `npm test`. Plain JavaScript: test.mjs starts under any Node >= 18.
//
// A shared machine can be slow for a moment, and some tests drive a real editor. So files with failures are run once
// more, alone. A test that passes then is listed with its first failure ("passed only when run again"), because such a
// test is a bug; but it doesn't hide what else the run found. Many failures are no accident: those aren't run again.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const maxFilesAgain = 6;
const maxLines = 15;

/**
 * @typedef {{ readonly title: string, readonly message: string }} Failure `message`: its first lines
 * @param place the folder of the clone, and `run(command, args) -> { code, output }`, which runs a command there
 * @param {readonly string[]} files run only these; empty: all files of the configuration
 * @returns counts (absent if vitest ended before it could report), the exit code, the output of both runs, the failures
 *   that remain, and those that passed when run again
 */
export async function vitest(node, config, place, files = []) {
  const first = await runOnce(node, config, place, files);
  const failing = first.files?.filter(({ failures }) => failures.length > 0) ?? [];
  if (first.code === 0 || failing.length === 0 || failing.length > maxFilesAgain) return result([first], first.files);
  console.log(`\n== Again, alone: ${failing.map(({ name }) => name).join(', ')}`);
  const names = failing.map(({ name }) => name);
  const second = await runOnce(node, config, place, names);
  if (second.files === undefined) return result([first, second], first.files);
  const passed = first.files.filter(({ name }) => !names.includes(name));
  const stillFails = new Set(second.files.flatMap(({ failures }) => failures.map(({ title }) => title)));
  const recovered = failing.flatMap(({ failures }) => failures.filter(({ title }) => !stillFails.has(title)));
  return result([first, second], [...passed, ...second.files], recovered);
}

async function runOnce(node, config, place, files) {
  const report = join(place.folder, 'test', '.cache', `${config}.json`);
  mkdirSync(join(place.folder, 'test', '.cache'), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', config, ...reporters, ...files];
  const { code, output } = await place.run(node, args);
  return { code, output, files: read(report, place.folder) };
}

/** @returns what each file of the report did; undefined if there is no report */
function read(report, folder) {
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    return testResults.map(({ name, status, message, assertionResults }) => {
      const file = relative(folder, name);
      const count = (...states) => assertionResults.filter((test) => states.includes(test.status)).length;
      const failures = assertionResults
        .filter((test) => test.status === 'failed')
        .map((test) => ({ title: `${file} > ${test.fullName}`, message: shortened(test.failureMessages.join('\n')) }));
      // A file that fails outside of its tests: it can't be loaded, or a hook failed.
      if (status === 'failed' && failures.length === 0) failures.push({ title: file, message: shortened(message) });
      return { name: file, failures, passed: count('passed'), skipped: count('skipped', 'pending', 'todo') };
    });
  } catch {
    return undefined; // it ended before it could report; its exit code shows the failure
  }
}

function result(runs, files, recovered = []) {
  const output = runs.map((run) => run.output).join('');
  const failures = files?.flatMap((file) => file.failures) ?? [];
  // An error outside of every test doesn't belong to a file, so it isn't gone when files are run again.
  const wasUnhandled = /Vitest caught \d+ unhandled error/.test(stripVTControlCharacters(runs[0].output));
  const code = wasUnhandled ? runs[0].code : runs.at(-1).code;
  if (files === undefined) return { code, output, failures, recovered };
  const sum = (name) => files.reduce((total, file) => total + file[name], 0);
  return { code, output, passed: sum('passed'), failed: failures.length, skipped: sum('skipped'), failures, recovered };
}

function shortened(message) {
  return stripVTControlCharacters(message ?? '')
    .split('\n')
    .filter((line) => !line.includes('/node_modules/'))
    .slice(0, maxLines)
    .join('\n');
}

/** Prints failures under a heading, if there are any. */
export function show(heading, failures) {
  if (failures.length === 0) return;
  console.log(`\n${heading}`);
  for (const { title, message } of failures) {
    console.log(`  ${title}`);
    for (const line of message.split('\n')) console.log(`      ${line.slice(0, 400)}`);
  }
}
