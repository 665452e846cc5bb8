"""
Figures of the supervisor that grow with its runners: `python3 supervisor.py line|sweep N`. Prints one number.
line: µs that one line of a runner takes among N; sweep: ms that a keeper takes to end N processes.
"""

import os
import resource
import signal
import socket
import sys
import tempfile
import time
import types

LINES = 300

ours = types.ModuleType("minifal_runner")
ours.__path__ = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../emulator/runner")]
sys.modules["minifal_runner"] = ours

from minifal_runner.keeper import keeper  # noqa: E402
from minifal_runner.shared import addresses, board, kernel  # noqa: E402
from minifal_runner.supervisor import launch, runner, supervise  # noqa: E402


def line(runners: int) -> float:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    emulator, theirs = socket.socketpair()
    emulator.setblocking(False)
    config = {"probeDir": tempfile.mkdtemp(), "extraPaths": [], "isolation": "off", "mayBeOutside": False}
    supervisor = supervise.Supervisor(theirs, config)
    own = addresses.Addresses(*addresses.pick(), {}, 0).describe()
    kept = []
    for number in range(runners):
        out, err, status = (os.pipe() for _ in range(3))
        channel, other = socket.socketpair()
        kept.append((out[1], err[1], status[1], other))
        launched = launch.Launched(0, channel, out[0], err[0], status[0], board.Board())
        about = {"id": str(number), "mode": "serve", "own": own, "filtered": False}
        about = {**about, "rules": "", "door": None, "metricsPort": 0}
        supervisor.add(runner.Runner(about, launched), launched, "token")
    begun = time.perf_counter()
    for number in range(LINES):
        os.write(kept[number % runners][0], b"a line\n")
        supervisor.turn()
        emulator.recv(65536)
    return (time.perf_counter() - begun) / LINES * 1e6


def sweep(children: int) -> float:
    kernel.become_subreaper()
    for _ in range(children):
        if os.fork() == 0:
            signal.pause()
            os._exit(0)
    begun = time.perf_counter()
    keeper.sweep()
    return (time.perf_counter() - begun) * 1e3


print({"line": line, "sweep": sweep}[sys.argv[1]](int(sys.argv[2])))
