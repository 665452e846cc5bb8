"""
The supervisor of the one runner of a container: `python contained.py SOCKET`, started below the container's first
process (first/forward.c) on the image's own Python. It takes the emulator's commands over the socket, forks the runner,
forwards its lines and reports, and ends as the runner does, which ends the container.
"""

from __future__ import annotations

import os
import socket
import sys


def main() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]
    _load_boot(os.path.dirname(here)).make_package()
    config, channel = _attend(sys.argv[1])
    sys.argv = [""]
    from minifal_runner.inside import host

    host.leave(host.run(config, channel))


def _attend(path: str):
    """Ends the process with the runner; returns only in the forked runner."""
    from minifal_runner.birth import birth
    from minifal_runner.shared.channel import BlockingChannel
    from minifal_runner.supervisor.contain import Contained

    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(path)
    except OSError as error:
        print(f"minifal: The emulator can't be reached from the container: {error}", file=sys.stderr)
        sys.exit(1)
    try:
        Contained(sock).run()
    except birth.Become as new:
        return new.config, BlockingChannel(new.sock)
    os._exit(0)


def _load_boot(folder: str):
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("minifal_runner_boot", os.path.join(folder, "boot.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
