import { expect, it } from 'vitest';
import { blamedRequirement } from './blamed.ts';

const require = (text: string) =>
  'error: No solution found when resolving dependencies\n' +
  `  cause: Because ${text}, we can conclude that your\n      requirements are unsatisfiable.`;

it.each([
  ['there is no version of numpy==99.0 and you\n      require numpy==99.0', ['httpx', 'numpy==99.0'], 'numpy==99.0'],
  [
    'nosuch-package was not found in the package registry and you require nosuch-package',
    ['NoSuch_package', 'a'],
    'NoSuch_package',
  ],
  ['you require httpx<0.20 and httpx>0.25', ['idna', 'httpx<0.20', 'httpx>0.25'], 'httpx<0.20'],
  [
    'all versions of torch need numpy>=2 and you require numpy[extra] < 2',
    ['torch', 'numpy[extra] < 2'],
    'numpy[extra] < 2',
  ],
  ['something else is wrong', ['numpy', 'httpx'], null],
  ['numpy-extras was not found', ['numpy'], null],
])('finds the requirement that uv names: %s', (text, requirements, blamed) => {
  expect(blamedRequirement(require(text), requirements)).toBe(blamed);
});

it.each([
  [
    '× Failed to build `pyyaml==5.3`\n  ├─▶ The build backend returned an error',
    ['pyyaml==5.3', 'httpx'],
    'pyyaml==5.3',
  ],
  [
    "cause: process didn't exit successfully: `git fetch 'https://example.com/x.git'`",
    ['httpx', 'git+https://example.com/x.git@main'],
    'git+https://example.com/x.git@main',
  ],
  ['error: Failed to fetch: https://pypi.org/simple/', ['numpy'], null],
])('finds it in other failures: %s', (text, requirements, blamed) => {
  expect(blamedRequirement(text, requirements)).toBe(blamed);
});
