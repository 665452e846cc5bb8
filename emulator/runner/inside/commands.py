"""
The emulator's commands to a runner that serves. They are read by a thread of our own, which works also while the app's
code is stopped by a debugger or keeps its event loop busy. It sleeps until a command arrives.
"""

from __future__ import annotations

import _thread
import os
import select
import signal
import sys
import threading
import traceback

_FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
"""Signals about what the thread itself does."""


class Commands:
    """`channel`: the commands arrive there. A forked process doesn't have the thread, so it takes none of them."""

    def __init__(self, channel):
        self._channel = channel
        self._handlers: dict[str, object] = {}
        self._often = None

    def on(self, op: str, handler) -> None:
        """`handler(command)` is called in the thread of commands, and must not block."""
        self._handlers[op] = handler

    def often(self, check) -> None:
        """Calls `check()` twenty times a second, in the thread of commands, until it returns False."""
        self._often = check

    def start(self) -> None:
        # The thread, and those that it starts, take no signals of the process: an app may block one in all of its own
        # threads to wait for it, and in ours it would end the process.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _FAULTS)
        try:
            # Not a thread of `threading`: apps that list or count theirs don't see it.
            _thread.start_new_thread(self._run, ())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def hide(self) -> None:
        """Call this in the thread of commands, before a debugger is imported: it must neither trace nor stop it."""
        thread = threading.current_thread()
        thread.name = "minifal.commands"
        thread.pydev_do_not_trace = True
        thread.is_pydev_daemon_thread = True

    def _run(self) -> None:
        descriptor = self._channel.fileno()
        if descriptor < 0:
            return
        identity = _identity(descriptor)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while True:
            poll.poll(None if self._often is None else 50)
            # An app that closes all descriptors may get this number for a file of its own.
            if identity is None or _identity(descriptor) != identity:
                return
            commands = self._channel.receive_now()
            if commands is None:
                return
            for command in commands:
                handler = self._handlers.get(command["op"])
                if handler is not None:
                    _carefully(lambda: handler(command))
            check = self._often
            if check is not None and _carefully(check) is not True and self._often is check:
                self._often = None


def _identity(descriptor: int):
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _carefully(act):
    try:
        return act()
    except Exception:
        print(f"minifal: {traceback.format_exc()}", file=sys.stderr)
        return None
