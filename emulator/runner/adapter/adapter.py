"""
debugpy's debug adapter for one runner: speaks the Debug Adapter Protocol over stdio, and waits on loopback for the
runner, which connects to it. Started by an editor as `python adapter.py`, with debugpy on PYTHONPATH.

debugpy's own program ignores the token that it is given, and opens a second port that any process may use. Here only a
runner that knows MINIFAL_DEBUG_TOKEN is accepted, and there is no other port. The runner's port is written to the file
that MINIFAL_DEBUG_PORT_FILE names, which must not exist; only its user can read it.

It ends when its editor has gone, also if no session has begun.
"""

from __future__ import annotations

import os
import sys
import threading

TOKEN, PORT_FILE = "MINIFAL_DEBUG_TOKEN", "MINIFAL_DEBUG_PORT_FILE"


def main() -> None:
    token, port_file = os.environ.pop(TOKEN), os.environ.pop(PORT_FILE)
    # Nobody may read it, and a full pipe would stop us.
    sys.stderr = open(os.devnull, "w")

    from debugpy import adapter
    from debugpy.adapter import clients, servers, sessions
    from debugpy.common import sockets

    adapter.access_token = token
    # Where clients would connect, if there were no stdio.
    clients.listener = None
    servers.listener = sockets.serve("Server", _in_thread(servers.Connection), "127.0.0.1", 0)
    _, port = sockets.get_address(servers.listener)
    _write(port_file, str(port))
    clients.Client("stdio")
    # Not for the runner, too: one that has connected, and to which nobody has attached, stays.
    sessions.wait_until_ended()


def _in_thread(take):
    """
    debugpy takes one connection after the other, and asks each for its token: any program that connects and says
    nothing would keep the runner out.
    """
    return lambda sock: threading.Thread(target=take, args=(sock,), daemon=True).start()


def _write(path: str, text: str) -> None:
    """A reader never sees a part of it."""
    new = f"{path}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    os.rename(new, path)


if __name__ == "__main__":
    main()
