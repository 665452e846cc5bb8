import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { runnerSources } from './testing/runners.ts';

/** Code as it arrives by value; with the argument `freeze`, the app has frozen it. */
const program = `
import gc, json, sys
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from minifal_runner.inside import objects
from minifal_runner.inside.debug import names
gc.freeze()
objects.begin()
frozen = gc.get_freeze_count()

text = "def outer():\\n    def inner(): pass\\n    return inner\\n"
names_of_app = {"__file__": "/w/app.py"}
exec(compile(text, "<dynamic-code>", "exec"), names_of_app)
if sys.argv[2] == "freeze":
    gc.freeze()
names.rename()
outer = names_of_app["outer"]
print(json.dumps({
    "files": [outer.__code__.co_filename, outer().__code__.co_filename],
    "isFrozen": gc.get_freeze_count() > frozen,
}))
`;

it.each([
  { what: 'as it is loaded', argument: '', isFrozen: false },
  { what: 'also if the app has frozen it', argument: 'freeze', isFrozen: true },
])('code gets the name of its file back, $what', ({ argument, isFrozen }) => {
  const found = execFileSync('python3', ['-c', program, runnerSources, argument]).toString();
  expect(JSON.parse(found)).toEqual({ files: ['/w/app.py', '/w/app.py'], isFrozen });
});

/** A runner whose thread has stopped before the debugger knows that it is attached. */
const early = `
import json, sys, threading, types
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from minifal_runner.inside.debug import debugger, names, session
said, check = [], []
done = threading.Event()
class Commands:
    def on(self, op, handler): setattr(self, op, handler)
    def hide(self): pass
    def often(self, check): self.check = check
commands = Commands()
def report(event, state, **about):
    said.append(state)
    if state == "attached":
        look()
        done.set()
look = lambda: commands.check()
debugger._imported = lambda folder: types.SimpleNamespace(connect=lambda address, access_token: commands.connected())
session.end_earlier = lambda: None
session.watch_over_attaching = lambda connected: setattr(commands, "connected", connected)
debugger._show_files = lambda is_there: None
session.is_connected = lambda: True
session.stopped_threads = lambda: 1
names.rename = look
subject = debugger.Debugger(commands, report)
commands.debug({"folder": "", "port": 1, "token": ""})
done.wait()
while not subject._is_attached: pass
look()
print(json.dumps(said))
`;

it('a stop is reported after the debugger that made it', () => {
  const said = execFileSync('python3', ['-c', early, runnerSources]).toString();
  expect(JSON.parse(said)).toEqual(['connecting', 'attached', 'paused']);
});
