// Prints the tests whose result may depend on who runs them, a file a line: `npm test -- --also-as-user` runs these
// again as an ordinary user. The argument says which: `unit` or `e2e`.
import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { importsOf } from '../unit/import-graph.ts';
import { root } from './root.ts';

/** What a test, or a helper of tests, says if it is about permissions. */
const permissions = /\b(?:chmod|chown|umask|geteuid|getuid|mount|EACCES|EPERM)(?:Sync)?\b/;
const helpers = /\/(?:testing|support)\//;
/** Tests of edits start Python, but to compare code: its answers are the same for each user. */
const computing = ['emulator/reload/loader/', 'emulator/engines/process/swap-edits.test.ts'];

/**
 * Tests that start processes, themselves or through what they import, and tests that are about permissions. The others
 * compute, or use files, sockets and threads of their own, which work alike for every user.
 * @param sources text by path from the project's root, `/` between folders
 */
export function systemTests(sources: ReadonlyMap<string, string>): readonly string[] {
  const imports = new Map(
    [...sources].map(([file, source]) => [file, importsOf(file, source).filter(({ isType }) => !isType)]),
  );
  const reached = (file: string): ReadonlySet<string> => {
    const seen = new Set([file]);
    for (const one of seen) for (const { to } of imports.get(one) ?? []) seen.add(to);
    return seen;
  };
  const isAboutPermissions = (file: string, test: string) =>
    (file === test || helpers.test(file)) && permissions.test(sources.get(file) ?? '');
  return [...sources.keys()]
    .filter((file) => file.endsWith('.test.ts'))
    .filter((test) => !computing.some((place) => test.startsWith(place)))
    .filter((test) => {
      const all = reached(test);
      return all.has('node:child_process') || [...all].some((file) => isAboutPermissions(file, test));
    });
}

/**
 * End-to-end tests of what goes over the network, of an app's code, and of words: by name, so that a new test runs as
 * each user until somebody decides otherwise.
 */
const platformTests = new Set(
  [
    ...['bad-input', 'calls', 'canary', 'cli', 'contributing', 'debug-ends', 'debug-realtime', 'debug-run', 'deploy'],
    ...['examples', 'exceptions', 'gateway', 'js-browser', 'js-client', 'limits', 'live', 'malformed', 'poison'],
    ...['promises', 'protocols', 'python-client', 'python-versions', 'queue', 'reload-edits', 'request-logs'],
    ...['retention', 'scheduling', 'tls-clients', 'webhooks', 'wma'],
  ].map((name) => `test/e2e/${name}.test.ts`),
);

/** The end-to-end tests that are about processes, folders, networks and permissions. */
export function endToEndTests(files: readonly string[]): readonly string[] {
  const gone = [...platformTests].filter((file) => !files.includes(file));
  if (gone.length > 0) throw new Error(`There is no ${gone.join(', ')}: remove it from the list.`);
  return files.filter((file) => file.endsWith('.test.ts') && !platformTests.has(file));
}

if (import.meta.main) {
  const below = (pattern: string) =>
    globSync(pattern, { cwd: root })
      .filter((file) => !file.includes('node_modules'))
      .map((file) => file.split(sep).join('/'));
  const sources = () => below('{emulator,extension,scripts,test/{unit,support,conformance}}/**/*.ts');
  const tests =
    process.argv[2] === 'e2e'
      ? endToEndTests(below('test/e2e/**/*.ts'))
      : systemTests(new Map(sources().map((file) => [file, readFileSync(join(root, file), 'utf8')])));
  console.log(tests.join('\n'));
}
