// `npm run budgets [-- NAME…]`: measures what the editor's part of docs/quality.md promises, and fails over a budget.
// The names: package, activation, lenses, idle, window, load, first-answer. Run by hand on a machine without other
// work, because times measured during tests mean nothing; the tests hold what doesn't depend on time (the sizes).
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../support/root.ts';
import { packageExtension } from '../package.ts';
import { activation } from './activation.ts';
import type { Figure } from './figure.ts';
import { firstAnswer } from './first-answer.ts';
import { idle } from './idle.ts';
import { lenses } from './lenses.ts';
import { load } from './load.ts';
import { inWindow } from './window.ts';

async function packaged(vsix: string): Promise<readonly Figure[]> {
  const size = (file: string) => statSync(file).size / 1_000;
  return [
    { what: 'code that activation loads', value: size(join(root, 'dist', 'extension.cjs')), budget: 20, unit: 'kB' },
    { what: 'package', value: size(vsix), budget: 5_000, unit: 'kB' },
  ];
}

const parts: { readonly [name: string]: (vsix: string) => Promise<readonly Figure[]> } = {
  package: packaged,
  activation,
  lenses,
  idle,
  window: inWindow,
  load,
  'first-answer': firstAnswer,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}; the names are ${Object.keys(parts).join(', ')}.`);
  process.exit(2);
}
// Some containers set it. Python then compiles fal again at each start, which it doesn't do on a developer's machine.
delete process.env.PYTHONDONTWRITEBYTECODE;
const vsix = await packageExtension();
const figures: Figure[] = [];
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`${name} …`);
  figures.push(...(await measure(vsix)));
}
console.log('\n     value    budget');
for (const { what, value, budget, unit } of figures) {
  const [is, may] = [value, budget].map((one) => `${Number(one.toFixed(1))} ${unit}`.padStart(10));
  console.log(`${is}${may}  ${value <= budget ? 'ok  ' : 'OVER'}  ${what}`);
}
// NaN is over each budget.
process.exitCode = figures.every(({ value, budget }) => value <= budget) ? 0 : 1;
