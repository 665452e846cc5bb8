import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { runnerSources } from './testing/runners.ts';

/** Waits with a debugger that never gets ready: how each wait ends, and after how many seconds of a clock. */
const program = `
import json, sys, threading
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from minifal_runner.inside.debug import session

class Debugger:
    def __init__(self, ready_at, disposed_at):
        self.ready_at, self.disposed_at = ready_at, disposed_at
        self.seconds, self.was_disposed = 0, False
        self._py_db_command_thread_event = self
    def clock(self):
        self.seconds += 1
        return self.seconds
    ready_to_run = property(lambda self: self.seconds > self.ready_at)
    pydb_disposed = property(lambda self: self.seconds > self.disposed_at)
    def dispose_and_kill_all_pydevd_threads(self):
        self.was_disposed = True
    def process_internal_commands(self):
        pass
    def clear(self):
        pass
    def wait(self, timeout):
        pass

def end(ready_at, disposed_at):
    debugger = Debugger(ready_at, disposed_at)
    try:
        session.wait_until_ready(debugger, debugger.clock)
        how = "ready"
    except OSError as error:
        how = str(error)
    return [how, debugger.seconds, debugger.was_disposed]

never = 1000
print(json.dumps([end(30, never), end(never, 30), end(never, never)]))
`;

it('a runner waits for its editor until the adapter is lost, or a minute', () => {
  const ends = JSON.parse(execFileSync('python3', ['-c', program, runnerSources], { encoding: 'utf8' }));
  expect(ends).toEqual([
    ['ready', 31, false],
    ['the debug adapter has ended the connection', 31, false],
    ['the editor has not attached within 60 seconds', 62, true],
  ]);
});
