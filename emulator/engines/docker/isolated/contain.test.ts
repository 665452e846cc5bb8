import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Sends a function's value of 3 MB to an emulator that reads nothing until there is no room for more. */
const program = `
import base64, json, os, select, socket, sys, threading
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
if sys.argv[2] == "old" and hasattr(os, "memfd_create"):
    del os.memfd_create
from minifal_runner.supervisor import contain

contain.LAST_SECONDS = 0
value = os.urandom(3_000_000)
ours, theirs = socket.socketpair()
received = []

def read():
    while select.select([], [theirs], [], 0)[1]:
        pass
    for line in ours.makefile("rb"):
        received.append(json.loads(line))

class Runner:
    id = "runner"

reader = threading.Thread(target=read)
reader.start()
contained = contain.Contained(theirs)
os.write(contained._result, value)
contained._send_result(Runner())
theirs.close()
reader.join()
print(b"".join(base64.b64decode(piece["data"]) for piece in received) == value)
`;

it.each(['new', 'old'])(
  'the value of a function arrives as it is in a slow emulator, by a Python that is %s',
  (age) => {
    const runnerSources = join(import.meta.dirname, '../../../runner');
    const output = execFileSync('python3', ['-c', program, runnerSources, age], { encoding: 'utf8' });
    expect(output.trim()).toBe('True');
  },
);
