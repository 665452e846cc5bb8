import { expect, it } from 'vitest';
import { stepText } from './step-text.ts';

it.each([
  [
    'Building environment...\n2026-11-27 06:49:22.997 [info     ] Creating a Python 3.11 environment\n',
    'Creating a Python 3.11 environment',
  ],
  ['2026-11-27 06:49:26.576 [info     ] Using Python 3.11.2 environment at: /home/me/.minifal/env', undefined],
  ['Installed 22 packages in 129ms', 'Installed 22 packages in 129ms'],
  ['\n', undefined],
  ['x'.repeat(100), `${'x'.repeat(79)}…`],
])('says the step of %j', (output, step) => {
  expect(stepText(output)).toBe(step);
});
