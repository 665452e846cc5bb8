import { describe, expect, it } from 'vitest';
import { failureIn } from './failure.ts';

/** Outputs of the real `fal` 1.x in a terminal of 80 columns, shortened. */
const outputs = {
  requirement: `Building environment...
────────────────────────────────────────────────────────────────────────────────
2026-11-26 11:17:41.741 [info     ]   cause: Because no-such-package-he was not found in the package registry
\u001b[31m✘\u001b[0m Failure during 'uv pip install': error: No solution found when resolving
  dependencies
    cause: Because no-such-package-he was not found in the package registry and
  you require no-such-package-he==1.2, we can conclude that your requirements
  are unsatisfiable.
`,
  version: `✘ Failure during 'uv pip install': error: No solution found when resolving
  dependencies
    cause: Because there is no version of pillow==99 and you require pillow==99,
  we can conclude that your requirements are unsatisfiable.
`,
  conflict: `✘ Failure during 'uv pip install': error: No solution found when resolving
  dependencies
    cause: Because you require a>=2 and a<1, we can conclude that your
  requirements are unsatisfiable.
`,
  setup: `asyncio.exceptions.CancelledError

✘ The app failed to start. The runner's process exited with code 3 before it was
  ready; the last exception: RuntimeError: weights not found:
  /data/models/model.bin
  (/work/apps/painter.py, line 6)
`,
  syntax: "✘ '[' was never closed (painter.py, line 4)\n",
  encoding: '✘ unknown encoding: latin-9000 (painter.py, line 0)\n',
  importing: "✘ No module named 'no_such_module_he'\n",
  exception: `╭───────────────────── Traceback (most recent call last) ──────────────────────╮
│ /work/apps/painter.py:5 in paint                                             │
│                                                                              │
│ ❱ 5 │   raise TypeError("unsupported operand")                               │
│                                                                              │
│ /usr/lib/python3.11/json/decoder.py:12 in decode                             │
╰──────────────────────────────────────────────────────────────────────────────╯
TypeError: unsupported operand type(s) for a long explanation that does not fit
into one line
✘ Unhandled user exception
`,
  unindented: '✘ Something failed\nand later output\n',
  none: 'fal: command\n\u001b[1mkilled by the system\u001b[0m\n',
};

const source = `import fal
from no_such_module_he import x

class Painter(fal.App):
    requirements = ["Pillow==99", "no_such_package-he==1.2"]
`;
const where = {
  cwd: '/work/apps',
  file: '/work/apps/painter.py',
  read: (file: string) => (file === '/work/apps/painter.py' ? source : undefined),
};
const painter = (line: number) => ({ file: '/work/apps/painter.py', line });

describe('the reason of a failure', () => {
  it.each([
    ['requirement', 'no-such-package-he is not in the package index.', painter(5)],
    ['version', 'pillow==99 is not in the package index.', painter(5)],
    ['conflict', 'You require a>=2 and a<1.', undefined],
    ['setup', 'RuntimeError: weights not found: /data/models/model.bin (painter.py:6)', painter(6)],
    ['syntax', "'[' was never closed (painter.py:4)", painter(4)],
    ['importing', "No module named 'no_such_module_he'", painter(2)],
    [
      'exception',
      'TypeError: unsupported operand type(s) for a long explanation that does not fit into one line',
      painter(5),
    ],
    ['encoding', 'unknown encoding: latin-9000 (painter.py:1)', painter(1)],
    ['unindented', 'Something failed', undefined],
    ['none', 'killed by the system', undefined],
  ] as const)('is the sentence of the failure itself (%s)', (name, reason, place) => {
    expect(failureIn(outputs[name], where)).toEqual({ reason, place });
  });

  it('finds a file by its name, in the folder in which the command ran', () => {
    const other = { ...where, file: '/work/apps/services/app.py' };
    expect(failureIn(outputs.syntax, other).place).toEqual(painter(4));
  });

  it.each(['app (1).py', 'Kopie (2) von (a).py'])('finds a file with parentheses in its name: %s', (name) => {
    const { reason, place } = failureIn(`✘ '(' was never closed (${name}, line 3)\n`, where);
    expect([reason, place]).toEqual([`'(' was never closed (${name}:3)`, { file: `/work/apps/${name}`, line: 3 }]);
  });

  it("takes a user's folder for no library, whatever it is called", () => {
    const output = outputs.exception.replace('/work/apps/painter.py:5 in paint', '/work/lib/pythonic/app.py:5 in a');
    expect(failureIn(output, where).place).toEqual({ file: '/work/lib/pythonic/app.py', line: 5 });
  });

  it('names no line of a file that cannot be read', () => {
    expect(failureIn(outputs.importing, { ...where, read: () => undefined }).place).toBeUndefined();
  });
});
