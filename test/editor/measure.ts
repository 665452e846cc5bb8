// `node test/editor/measure.ts [ROUNDS]`: how long the packaged extension takes to load and activate in a real VS Code,
// each time in a new extension host. Fails over the budget. Run by hand only, because times measured during tests mean
// nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inExtensionHost } from '../lab/extension-host.ts';
import { packageExtension } from './package.ts';

const budgetMs = { median: 60, worst: 100 };
const rounds = Number(process.argv[2] ?? 7);
const entry = join(import.meta.dirname, 'host', 'activation.ts');

const vsix = await packageExtension();
const workspace = await mkdtemp(join(tmpdir(), 'minifal-measure-'));
const times: number[] = [];
for (let round = 1; round <= rounds; round++) {
  const settings = { 'minifal.dataFolder': join(workspace, 'data') };
  const took = Number(await inExtensionHost({ vsix: [vsix], workspace, settings, entry }));
  console.log(`round ${round}: ${took.toFixed(1)} ms`);
  times.push(took);
}
await rm(workspace, { recursive: true, force: true });
const sorted = times.toSorted((a, b) => a - b);
const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
const worst = sorted.at(-1) ?? Number.NaN;
console.log(
  `load + activate: median ${median.toFixed(1)} ms (budget ${budgetMs.median}), worst ${worst.toFixed(1)} ms ` +
    `(goal ${budgetMs.worst})`,
);
process.exitCode = median <= budgetMs.median ? 0 : 1;
