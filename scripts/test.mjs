// `npm test`: everything that CI runs, in order, from a fresh clone. Plain JavaScript: it starts under any Node >= 18.
// The last line is always `N passed, N failed, N skipped`; a step that breaks counts as one failure.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, root } from './bootstrap.mjs';

if (process.argv.includes('--slow')) process.env.MINIFAL_SLOW = '1';
const { node } = await bootstrap();
const scratch = join(root, 'test', '.cache');
mkdirSync(scratch, { recursive: true });

const sums = { passed: 0, failed: 0, skipped: 0 };
await step('format and lint', () => tool('biome', ['check', '.']));
await step('types', () => tool('tsc', ['--noEmit']));
await step('unit and property tests', () => vitest('vitest.config.ts'));
await step('end to end: the real command line and real clients', () => vitest('vitest.e2e.config.ts'));
await step('editor: the packaged extension in a real VS Code', () => vitest('vitest.editor.config.ts'));
await step("conformance: fal's own suites", conformance);
console.log(`\n${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
process.exit(sums.failed > 0 ? 1 : 0);

/** Runs one step under a heading with its time, and adds up what it counted. */
async function step(title, action) {
  console.log(`\n== ${title}`);
  const began = Date.now();
  const { code, passed = 0, failed = 0, skipped = 0 } = await action();
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  sums.passed += passed;
  sums.skipped += skipped;
  // A step that ends badly without naming a failed test has broken itself.
  sums.failed += code !== 0 && failed === 0 ? 1 : failed;
  console.log(`== ${title}: ${code === 0 && failed === 0 ? 'ok' : 'FAILED'} after ${seconds} s`);
}

async function tool(name, args) {
  const { code } = await run(join(root, 'node_modules', '.bin', name), args);
  return { code };
}

async function vitest(config) {
  const report = join(scratch, `${config}.json`);
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code } = await run(node, ['node_modules/vitest/vitest.mjs', 'run', '--config', config, ...reporters]);
  return { code, ...vitestCounts(report) };
}

function vitestCounts(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  } catch {
    return {}; // it ended before it could report; its exit code tells
  }
}

async function conformance() {
  const sdks = process.env.MINIFAL_SLOW ? ['--sdk', 'all'] : [];
  const { code, output } = await run(node, ['test/conformance/run.ts', ...sdks]);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/m.exec(output) ?? [];
  if (passed === undefined) return { code: code || 1 };
  return { code, passed: Number(passed), failed: Number(failed) };
}

/** Shows the output as it comes and returns it too. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
    });
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve({ code: 1, output });
    });
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
