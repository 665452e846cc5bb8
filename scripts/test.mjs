// `npm test`: everything that CI runs, in order, from a fresh clone. Plain JavaScript: it starts under any Node >= 18.
// The last line is always `N passed, N failed, N skipped`; a step that breaks counts as one failure.
//
//   --slow           the long forms
//   --also-as-user   where this is root: once more as an ordinary user, those tests whose result may depend on the user
//                    (CI does); with --slow, all end-to-end tests
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { bootstrap, root } from './bootstrap.mjs';
import { missingForEditor } from './editor-needs.mjs';
import { ordinaryUser } from './ordinary-user.mjs';
import { show, vitest } from './vitest-step.mjs';

if (process.argv.includes('--slow')) process.env.MINIFAL_SLOW = '1';
// Printed first, before minutes of work.
const missing = missingForEditor();
if (missing) console.log(missing);
const committed = generatedFiles();
const { node } = await bootstrap();
const here = { folder: root, run: (command, args) => run(command, args, { cwd: root }) };
const editorTests = 'editor: the packaged extension in a real VS Code';

const steps = [];
const failures = [];
const recovered = [];
const reasons = new Set();
await step('format and lint', () => tool('biome', ['check', '.']));
await step('types', () => tool('tsc', ['--noEmit']));
await step('types of pages', () => tool('tsc', ['--noEmit', '-p', 'webview']));
await step('unused code', () => tool('knip', []));
await step('generated files are committed', generatedAreCommitted);
await step('unit and property tests', () => vitest(node, 'vitest.config.ts', here));
await step('end to end: the real command line and real clients', () => vitest(node, 'vitest.e2e.config.ts', here));
if (missing) skip(editorTests, editorFiles(), missing);
else await step(editorTests, () => vitest(node, 'vitest.editor.config.ts', here));
await step("conformance: fal's own suites", conformance);
if (process.argv.includes('--also-as-user')) await asUser();

showReasons();
show('Passed only when run again:', recovered);
show('Failed:', failures);
showTable();
const failed = total('failed');
console.log(`\n${total('passed')} passed, ${failed} failed, ${total('skipped')} skipped`);
process.exit(failed > 0 ? 1 : 0);

/** Runs one step under a heading, and records its time and its counts. */
async function step(title, action) {
  console.log(`\n== ${title}`);
  const began = Date.now();
  const result = await action();
  const { code, passed = 0, failed = 0, skipped = 0, output = '' } = result;
  const seconds = (Date.now() - began) / 1000;
  // A step that fails without a failed test is itself broken.
  const broken = code !== 0 && failed === 0 ? 1 : failed;
  steps.push({ title, seconds, passed, failed: broken, skipped });
  failures.push(...(result.failures ?? []));
  recovered.push(...(result.recovered ?? []));
  for (const [, reason] of stripVTControlCharacters(output).matchAll(/^Skipped: (.+)$/gm)) reasons.add(reason);
  console.log(`== ${title}: ${broken === 0 ? 'ok' : 'FAILED'} after ${seconds.toFixed(1)} s`);
}

function skip(title, skipped, reason) {
  steps.push({ title, seconds: 0, passed: 0, failed: 0, skipped });
  reasons.add(reason);
}

async function tool(name, args) {
  const { code } = await here.run(join(root, 'node_modules', '.bin', name), args);
  return { code };
}

/** The build writes them, so a stale one is noticed only by its change. */
function generatedFiles() {
  const files = ['package.json', 'package.nls.json', 'l10n/bundle.l10n.json'];
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

async function generatedAreCommitted() {
  const now = generatedFiles();
  const stale = Object.keys(now).filter((file) => now[file] !== committed[file]);
  if (stale.length > 0) console.log(`The build has changed ${stale.join(', ')}. Commit the change.`);
  return { code: stale.length > 0 ? 1 : 0 };
}

async function conformance() {
  const sdks = process.env.MINIFAL_SLOW ? ['--sdk', 'all'] : [];
  const { code, output } = await here.run(node, ['test/conformance/run.ts', ...sdks]);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/m.exec(output) ?? [];
  if (passed === undefined) return { code: code || 1 };
  return { code, passed: Number(passed), failed: Number(failed) };
}

async function asUser() {
  const user = ordinaryUser(node);
  if (typeof user === 'string') return skip('as an ordinary user', 1, `the tests as an ordinary user: ${user}`);
  const place = { folder: user.folder, run: (command, args) => run(command, args, user.options(command, args)) };
  try {
    await step('as an ordinary user: unit tests that start processes or are about permissions', () =>
      vitest(node, 'vitest.config.ts', place, systemTests('unit')),
    );
    const endToEnd = process.env.MINIFAL_SLOW ? [] : systemTests('e2e');
    await step('as an ordinary user: end to end', () => vitest(node, 'vitest.e2e.config.ts', place, endToEnd));
  } finally {
    user.remove();
  }
}

/** The tests whose result may depend on the user. */
function systemTests(which) {
  const program = join(root, 'test', 'support', 'system-tests.ts');
  return execFileSync(node, [program, which], { encoding: 'utf8' }).trim().split('\n');
}

function editorFiles() {
  return readdirSync(join(root, 'test', 'editor')).filter((name) => name.endsWith('.test.ts')).length;
}

function showReasons() {
  if (reasons.size > 0) console.log('\nSkipped on this machine:');
  for (const reason of reasons) console.log(`  ${reason}`);
}

function showTable() {
  console.log('\n  seconds   passed   failed  skipped');
  for (const { title, seconds, ...counts } of [...steps, { title: 'total', ...sums() }]) {
    const figures = [seconds.toFixed(1), counts.passed, counts.failed, counts.skipped];
    console.log(`${figures.map((figure) => String(figure).padStart(9)).join('')}  ${title}`);
  }
}

function sums() {
  return Object.fromEntries(['seconds', 'passed', 'failed', 'skipped'].map((name) => [name, total(name)]));
}

function total(name) {
  return steps.reduce((sum, one) => sum + one[name], 0);
}

/** Shows the output as it arrives, and returns it. */
function run(command, args, options) {
  return new Promise((resolve) => {
    const [program, words] = options.through ? [options.through[0], options.through.slice(1)] : [command, args];
    const child = spawn(program, words, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
    });
    child.on('error', (error) => {
      console.error(`${program}: ${error.message}`);
      resolve({ code: 1, output });
    });
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
