"""
Started by the emulator, one per execution environment: `python supervisor.py CONFIG`, with the connection on descriptor
3. It is also the program of a runner that is spawned: `python supervisor.py --runner FD`. And `python supervisor.py
--probe CONFIG` prints, as JSON, what runners of such a supervisor have to do without.
"""

import gc
import json
import os
import signal
import socket
import sys

EMULATOR_FD = 3


def main() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]
    _load_boot(os.path.dirname(here)).make_package()
    if sys.argv[1:2] == ["--probe"]:
        _probe(json.loads(sys.argv[2]))
        return
    if sys.argv[1:2] == ["--runner"]:
        from minifal_runner.birth import birth

        config, channel = birth.arrive(int(sys.argv[2]))
    else:
        config, channel = _supervise()
    sys.argv = [""]
    from minifal_runner.inside import host

    host.leave(host.run(config, channel))


def _supervise():
    """Ends the process when the emulator is gone; returns only in a forked runner."""
    from importlib import import_module

    from minifal_runner.birth import birth
    from minifal_runner.shared import descriptors, kernel
    from minifal_runner.shared.channel import BlockingChannel
    from minifal_runner.supervisor import preload, supervise

    # The shell that started the emulator may have left descriptors open; Node passes them on.
    descriptors.close_all_but({0, 1, 2, EMULATOR_FD})
    kernel.set_dumpable(False)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    kernel.become_subreaper()
    # A copy: programs must not inherit Python's own descriptors.
    sock = socket.socket(fileno=os.dup(EMULATOR_FD))
    os.close(EMULATOR_FD)
    config = json.loads(sys.argv[1])
    sys.path.extend(path for path in config["extraPaths"] if path not in sys.path)
    if config["preload"]:
        preload.preload()
    # What a runner needs of ours, too.
    import_module("minifal_runner.inside.host")
    # Exclude existing objects from garbage collection: collecting them in a runner would only copy their pages.
    gc.collect()
    gc.freeze()
    supervisor = supervise.Supervisor(sock, config)
    # SIGTERM acts like the emulator's end, also while the loop waits.
    signal.signal(signal.SIGTERM, lambda *_: sock.shutdown(socket.SHUT_RDWR))
    try:
        supervisor.run()
    except birth.Become as new:
        return new.config, BlockingChannel(new.sock)
    os._exit(0)


def _probe(config: dict) -> None:
    from minifal_runner.shared import kernel
    from minifal_runner.supervisor import isolation

    kernel.die_with_parent(signal.SIGKILL, os.getppid())
    print(json.dumps(isolation.find(config).missing_list()))


def _load_boot(folder: str):
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("minifal_runner_boot", os.path.join(folder, "boot.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
