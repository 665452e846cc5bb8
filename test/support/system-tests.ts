// Prints the unit tests whose result may depend on who runs them, a file a line: `npm test -- --also-as-user` runs
// these again as an ordinary user.
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

if (import.meta.main) {
  const files = globSync('{emulator,extension,scripts,test/{unit,support,conformance}}/**/*.ts', { cwd: root })
    .filter((file) => !file.includes('node_modules'))
    .map((file) => file.split(sep).join('/'));
  console.log(systemTests(new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))).join('\n'));
}
