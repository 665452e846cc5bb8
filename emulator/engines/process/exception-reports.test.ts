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

/** A group as Python 3.11 has it: raised where its exceptions are collected, each with its own traceback. */
const groups = `
import contextvars, json, logging, sys
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from minifal_runner.inside import exceptions

class Serving:
    alone = {}

class Group(Exception):
    def __init__(self, message, inside):
        ending = "" if len(inside) == 1 else "s"
        super().__init__(f"{message} ({len(inside)} sub-exception{ending})")
        self.exceptions = tuple(inside)

def first():
    raise KeyError("first")

def caught(call):
    try:
        call()
    except Exception as error:
        return error

def raised(error):
    raise error

sent = []
noted = exceptions.Exceptions(sent.append, contextvars.ContextVar("context", default=None), Serving())
alone = Group("one failed", [caught(first)])
noted.note(caught(lambda: raised(Group("two failed", [alone, ValueError("second")]))), exceptions.REQUEST)
noted.note(caught(lambda: raised(alone)), exceptions.REQUEST)
noted._watch_log()
logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())
try:
    raised(alone)
except Group:
    # As Python 3.11 formats a group: uvicorn logs that text for what setup() raises.
    logging.getLogger("uvicorn.error").error("  + Exception Group Traceback (most recent call last):\\n  | ...")
print(json.dumps(sent))
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

it('an exception of several has the first one as its innermost frames, and names all of them', () => {
  const output = execFileSync('python3', ['-c', groups, runnerSources], { encoding: 'utf8', timeout: 20_000 });
  const reports: { type: string; message: string; phase: string; frames: { function: string }[] }[] =
    JSON.parse(output);
  expect(reports.map(({ frames }) => frames.map((frame) => frame.function))).toEqual([
    ['caught', '<lambda>', 'raised', 'caught', 'first'],
    ['caught', 'first'],
    ['caught', 'first'],
  ]);
  expect(reports.map(({ phase }) => phase)).toEqual(['request', 'request', 'setup']);
  expect(reports.map(({ type, message }) => `${type}: ${message}`)).toEqual([
    'Group: two failed (2 sub-exceptions): Group: one failed (1 sub-exception), ValueError: second',
    "KeyError: 'first'",
    "KeyError: 'first'",
  ]);
});
