// Runs fal's own test suites with the real SDK against a fresh emulator, and fails when a test of a baseline no longer
// passes.
import { parseArgs } from 'node:util';
import { conform } from './conform.ts';
import { sdks } from './sdks.ts';

const { values: options } = parseArgs({
  options: {
    sdk: { type: 'string', default: sdks[0]?.version ?? '' },
    only: { type: 'string' },
    filter: { type: 'string' },
    update: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
  },
});
const groups: { readonly [name: string]: typeof sdks } = { all: sdks, older: sdks.slice(1) };
const chosen = groups[options.sdk] ?? sdks.filter(({ version }) => options.sdk === version);
if (chosen.length === 0) throw new Error(`--sdk takes all, older, ${sdks.map(({ version }) => version).join(' or ')}.`);
const names = new Set(chosen.flatMap(({ suites }) => suites.map(({ name }) => name)));
if (options.only && !names.has(options.only)) throw new Error(`--only takes ${[...names].join(' or ')}.`);
if (options.update && (options.only || options.filter)) {
  throw new Error('--update needs the whole run: no --only, no --filter.');
}

let passed = 0;
let failed = 0;
for (const sdk of chosen) {
  const verdict = await conform(sdk, { ...options, workers: Number(options.workers) });
  console.log(`fal ${sdk.version}: ${verdict.passed} passed, ${verdict.failures.length} failed`);
  passed += verdict.passed;
  failed += verdict.failures.length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
