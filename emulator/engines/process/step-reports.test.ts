import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { runnerSources } from './testing/runners.ts';

/** Prints what the supervisor says about forged reports of a start, and what the clock of imports leaves behind. */
const program = `
import json, sys, tempfile, traceback
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from importlib import _bootstrap
from minifal_runner.inside.start.import_times import ImportTimes
from minifal_runner.shared import reports

real = {"step": "code", "imports": {"ms": 1, "count": 1, "modules": [{"name": "m", "ms": 1, "count": 1}]},
        "written": 0, "installed": [], "ms": 0}

def verdict(*changes, mode="serve"):
    checks = reports.Reports(mode, None)
    checks.check(b'{"event":"entered"}')
    try:
        for change in changes:
            checks.check(json.dumps({"event": "step", **real, **change}).encode())
    except reports.Violation as violation:
        return str(violation)
    return "ok"

def imports(**change):
    return {"imports": {**real["imports"], **change}}

module = real["imports"]["modules"][0]
seen = {
    "in order": verdict({}, {"step": "setup"}, {"step": "called"}),
    "twice": verdict({}, {}),
    "back": verdict({"step": "setUp"}, {"step": "loaded"}),
    "function": verdict({}, mode="call"),
    "unknown": verdict({"step": "other"}),
    "negative": verdict({"written": -1}),
    "huge": verdict({"written": 2**60}),
    "names": verdict({"installed": ["x"] * 51}),
    "long": verdict({"installed": ["x" * 201]}),
    "no name": verdict({"installed": [1]}),
    "modules": verdict(imports(modules=[module] * 11)),
    "module": verdict(imports(modules=[{**module, "ms": True}])),
    "more": verdict(imports(more=1)),
}

before = _bootstrap._find_and_load
times = ImportTimes()
times.begin()
with tempfile.TemporaryDirectory() as folder:
    sys.path.insert(0, folder)
    with open(folder + "/fails.py", "w") as file:
        file.write("import missing_one")
    try:
        import fails
    except ImportError as error:
        seen["frames"] = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
times.end()
seen["restored"] = _bootstrap._find_and_load is before
times.begin()
ours = _bootstrap._find_and_load
_bootstrap._find_and_load = lambda *about: ours(*about)
others = _bootstrap._find_and_load
times.end()
seen["kept"] = _bootstrap._find_and_load is others
print(json.dumps(seen))
`;

it('only true reports of a start are passed on, and the clock of imports leaves no trace', () => {
  const seen: unknown = JSON.parse(execFileSync('python3', ['-c', program, runnerSources]).toString());
  const unknown = "it sent an unknown report over the emulator's connection";
  const late = 'it reported "step" out of order over the emulator\'s connection';
  expect(seen).toEqual({
    'in order': 'ok',
    ...{ twice: late, back: late, function: late, unknown, negative: unknown, huge: unknown, names: unknown },
    ...{ long: unknown, 'no name': unknown, modules: unknown, module: unknown, more: unknown },
    frames: ['<module>', '<module>'],
    ...{ restored: true, kept: true },
  });
});
