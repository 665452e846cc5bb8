"""The process of a command in a runner, up to the command's own program."""

from __future__ import annotations

import fcntl
import os
import signal
import termios

from ..shared import kernel
from .streams import Ends

CANNOT_EXECUTE, NOT_FOUND = 126, 127


def start(config: dict, ends: Ends, hand) -> int:
    """
    Starts the command in a session of its own, on its ends. `hand`: see `servers.hand_over_filter`; None: no filter.
    """
    ourselves = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        kernel.die_with_parent(signal.SIGKILL, ourselves)
        if ends.tty:
            fcntl.ioctl(ends.theirs[0], termios.TIOCSCTTY, 0)
        for fd, target in zip(ends.theirs, (0, 1, 2)):
            os.dup2(fd, target)
        if hand is not None:
            from ..keeper import servers

            servers.hand_over_filter(hand)
        _execute(config)
    finally:
        os._exit(CANNOT_EXECUTE)


def _execute(config: dict) -> None:
    command, env = config["command"], config["env"]
    try:
        if command is None:
            _login_shell(env)
        os.execvpe(command[0], command, env)
    except (OSError, ValueError) as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError)) or _is_nowhere(command, env)
        what = error.strerror if isinstance(error, OSError) else str(error)
        os.write(2, f"{command[0] if command else 'shell'}: {'not found' if missing else what}\n".encode())
        os._exit(NOT_FOUND if missing else CANNOT_EXECUTE)


def _is_nowhere(command: list[str] | None, env: dict) -> bool:
    """Python reports an unreadable folder on PATH as a file that can't be executed; a shell skips it."""
    if command is None or "/" in command[0]:
        return False
    folders = (env.get("PATH") or os.defpath).split(os.pathsep)
    return not any(os.path.exists(os.path.join(folder, command[0])) for folder in folders)


def _login_shell(env: dict) -> None:
    """
    Starts a shell without this machine's profiles, which are not part of a runner: many of them put another Python
    first on PATH. Commands typed here are not added to the user's own history.
    """
    env = {"PS1": r"runner:\w\$ ", "HISTFILE": "", **env}
    try:
        os.execvpe("bash", ["bash", "--noprofile", "-l"], env)
    except OSError:
        if not _is_nowhere(["bash"], env):
            raise
        os.execvpe("sh", ["sh"], env)
