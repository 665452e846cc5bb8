import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { runnerSources } from './testing/runners.ts';

/**
 * Raises exceptions of an app that are meant to do harm, and forges reports. Prints what Starlette and the log get, and
 * what the supervisor says about each report.
 */
const program = `
import contextvars, json, logging, sys, types
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from minifal_runner.inside import exceptions
from minifal_runner.shared import reports

class Serving:
    alone = {}

class Surprise(Exception):
    @property
    def exceptions(self):
        raise RuntimeError("surprise")

seen = {}
sent = []
noted = exceptions.Exceptions(sent.append, contextvars.ContextVar("context", default=None), Serving())

def verdict(report):
    checks = reports.Reports("serve", None)
    checks.check(b'{"event":"entered"}')
    try:
        return checks.check(json.dumps({"event": "exception", **report}).encode()) is not None
    except reports.Violation as violation:
        return str(violation)

starlette = types.ModuleType("starlette._exception_handler")
starlette._lookup_exception_handler = lambda handlers, error: None
noted._watch_routes(starlette)
seen["handler"] = starlette._lookup_exception_handler({}, Surprise())
noted._watch_log()
logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())
try:
    raise Surprise()
except Surprise:
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=True)

for name, line in (("huge", 10**30), ("true", True), ("negative", -(10**19))):
    sent.clear()
    noted.note(SyntaxError("wrong", ("app.py", line, 1, "")), exceptions.REQUEST)
    seen[name] = verdict(sent[0])

real = sent[0]
frame = {"file": "app.py", "line": 1, "function": "f", "isApp": True}
for name, forged in (
    ("plain", {"frames": [frame]}),
    ("type", {"type": "T" * 201}),
    ("message", {"message": "m" * 4_001}),
    ("request", {"requestId": "r" * 201}),
    ("endpoint", {"endpoint": "r" * 201}),
    ("file", {"frames": [{**frame, "file": "f" * 501}]}),
    ("function", {"frames": [{**frame, "function": "f" * 201}]}),
    ("line", {"frames": [{**frame, "line": 2**31}]}),
):
    seen[name] = verdict({**real, "frames": [], **forged})
print(json.dumps(seen))
`;

it('an exception of whatever kind harms neither its app nor its runner, and a forged report has limits', () => {
  const output = execFileSync('python3', ['-c', program, runnerSources], { encoding: 'utf8', timeout: 20_000 });
  const refused = "it sent an unknown report over the emulator's connection";
  expect(JSON.parse(output)).toEqual({
    handler: null,
    ...{ huge: true, true: true, negative: true, plain: true },
    ...{ type: refused, message: refused, request: refused, endpoint: refused },
    ...{ file: refused, function: refused, line: refused },
  });
});
