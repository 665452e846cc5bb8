import { expect, it } from 'vitest';
import { importLine, requirementLine } from './code-lines.ts';

const code = `import fal
import json, helper; import late
from pkg.part import x
# import other

class Painter(fal.App):
    requirements = [
        "Pillow==99",
        'no_such.Package[cuda]>=1',
        "torch-audio",
    ]
`;

it.each([
  ['helper', 2],
  ['late', 2],
  ['pkg', 3],
  ['pkg.part', 3],
  ['pkg.part.deeper', 3],
  ['other', undefined],
  ['par', undefined],
])('finds the import of %s in line %s', (module, line) => {
  expect(importLine(code, module)).toBe(line);
});

it('finds an import after a docstring that shows the same one', () => {
  const shown = '"""Use it so:\n\n    import helper\n"""\nimport helper\n';
  expect(importLine(shown, 'helper')).toBe(5);
  expect(importLine(shown.replaceAll('"""', "'''"), 'helper')).toBe(5);
  expect(importLine('"""import helper"""\n', 'helper')).toBeUndefined();
  // What only looks like the beginning of a text hides nothing.
  expect(importLine(`# """\nimport helper\n# """\n`, 'helper')).toBe(2);
});

it.each([
  ['Pillow==99', 8],
  ['pillow==98', 8],
  ['no-such-package>=2', 9],
  ['torch-audio', 10],
  ['torch', undefined],
  ['', undefined],
  ['(((', undefined],
])('finds the requirement %j in line %s', (requirement, line) => {
  expect(requirementLine(code, requirement)).toBe(line);
});
