"""
A command in a runner, for `fal runners shell` and `exec` (docs/platform/control-plane.md#shellrunner): `python
shell.py`, started by the emulator. It enters the runner's namespaces, or a process of the runner takes over (door.py),
and passes bytes between the emulator and the command's terminal or pipes.

Frames on stdin and stdout: a letter, the payload's length (4 bytes, big endian), the payload. In: `c` the configuration
(JSON, first), `d` data, `e` end of input, `r` size of the terminal (JSON). Out: `1` and `2` data, `x` exit code, last.
What the command left in the background keeps running until stdin ends, which is when the runner ends.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import termios

CHUNK = 64 * 1024
HIGH_WATER = 256 * 1024
"""Bytes of input queued for the command. Above this, the emulator's input stays in its pipe."""
END_OF_INPUT = b"\x04"
CANNOT_EXECUTE, NOT_FOUND = 126, 127


class Ends:
    """Our ends of the command's input and output. With a terminal all three are one descriptor."""

    def __init__(self, tty: bool):
        self.tty = tty
        if tty:
            ours, theirs = os.openpty()
            self.input, self.outputs, self.theirs = ours, {ours: b"1"}, (theirs, theirs, theirs)
        else:
            pipes = [os.pipe() for _ in range(3)]
            self.input = pipes[0][1]
            self.outputs = {pipes[1][0]: b"1", pipes[2][0]: b"2"}
            self.theirs = (pipes[0][0], pipes[1][1], pipes[2][1])
        self.pending = bytearray()
        self.ending = False
        for fd in {self.input, *self.outputs}:
            os.set_blocking(fd, False)

    def resize(self, rows: int, columns: int) -> None:
        if self.tty and self.input is not None:
            fcntl.ioctl(self.input, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self) -> None:
        """Ends the input. On a terminal only the end-of-input character can do that."""
        if self.tty:
            self.pending += END_OF_INPUT
        self.ending = not self.tty

    def write(self) -> None:
        try:
            if self.input is not None and self.pending:
                del self.pending[: os.write(self.input, self.pending)]
        except BlockingIOError:
            return
        except OSError:
            # The command no longer reads its input.
            self.pending.clear()
            self.ending = not self.tty
        if self.ending and not self.pending and self.input is not None:
            os.close(self.input)
            self.input = None

    def read(self, fd: int) -> int:
        """Passes on the available output and returns the number of bytes."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return 0
        except OSError as error:
            # A terminal that no process holds open on the other side.
            if error.errno != errno.EIO:
                raise
            data = b""
        if data:
            send(self.outputs[fd], data)
        else:
            self._close(fd)
        return len(data)

    def close(self) -> None:
        """The command ended: passes on the remaining output. Background processes may keep writing without end."""
        for fd in list(self.outputs):
            rest = HIGH_WATER * 4
            while rest > 0 and (passed := self.read(fd)):
                rest -= passed
            self._close(fd)
        self.pending.clear()
        self.ending = True
        self.write()

    def _close(self, fd: int) -> None:
        if self.outputs.pop(fd, None) is not None:
            os.close(fd)
            if fd == self.input:
                self.input = None
                self.pending.clear()


class Incoming:
    """Frames from the emulator."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.ended = False

    def read(self) -> list[tuple[bytes, bytes]]:
        return self.feed(self.take())

    def take(self) -> bytes:
        data = os.read(0, CHUNK)
        self.ended = not data
        return data

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        self._bytes += data
        frames = []
        while len(self._bytes) >= 5:
            (length,) = struct.unpack(">I", self._bytes[1:5])
            if len(self._bytes) < 5 + length:
                break
            frames.append((bytes(self._bytes[:1]), bytes(self._bytes[5 : 5 + length])))
            del self._bytes[: 5 + length]
        return frames


def send(kind: bytes, data: bytes) -> None:
    """Blocks while the emulator is behind, and the command blocks with us."""
    frame = memoryview(kind + struct.pack(">I", len(data)) + data)
    while frame:
        frame = frame[os.write(1, frame) :]


def main() -> None:
    from minifal_runner.birth import door
    from minifal_runner.keeper import keeper
    from minifal_runner.shared import descriptors, kernel

    emulator = os.getppid()
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: end_all(keeper))
    descriptors.close_all_but({0, 1, 2})
    kernel.become_subreaper()
    incoming = Incoming()
    frames: list[tuple[bytes, bytes]] = []
    sent = b""
    while not frames:
        data = incoming.take()
        sent += data
        frames = incoming.feed(data)
        if incoming.ended:
            return
    config = json.loads(frames.pop(0)[1])
    if config["door"] is not None:
        kernel.die_with_parent(signal.SIGTERM, emulator)
        door.go_through(config["door"], config["pid"], sent)
        return
    enter(config)
    # Entering a user namespace clears the signal that is sent at the parent's death, so it is requested only now.
    kernel.die_with_parent(signal.SIGTERM, emulator)
    run(config, incoming, frames, placed(config), None)


def take_over(sent: bytes, gone: int) -> None:
    """
    In a process of the runner: does what `main` does, with what the emulator `sent` already. `gone` becomes readable
    when the command is no longer wanted.
    """
    from minifal_runner.shared import kernel

    for ignored in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    kernel.become_subreaper()
    incoming = Incoming()
    frames = incoming.feed(sent)
    config = json.loads(frames.pop(0)[1])
    # The process already has the runner's system-call filter.
    carefully(lambda: (fit(config), run(config, incoming, frames, False, gone)))


def run(config: dict, incoming: Incoming, frames: list[tuple[bytes, bytes]], filtered: bool, gone: int | None) -> None:
    """Starts the command and serves it. `filtered`: it needs a filter of its own. `gone`: see `take_over`."""
    from minifal_runner.keeper import keeper
    from minifal_runner.shared import kernel

    signal.signal(signal.SIGTERM, lambda *_: end_all(keeper))
    ends = Ends(config["tty"])
    ends.resize(*config["size"])
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    hand, childs_hand = socket.socketpair() if filtered else (None, None)
    child = start(config, ends, kernel, childs_hand)
    for fd in set(ends.theirs):
        os.close(fd)
    loop = look_after_servers(config, hand, childs_hand)
    for frame in frames:
        obey(ends, *frame)
    pump(child, ends, incoming, woken, loop, gone)
    if gone is not None:
        say_ended(gone)
    end_all(keeper)


def placed(config: dict) -> bool:
    """
    Whether a system-call filter keeps the servers of the runner, and so of the command, on the runner's own addresses.
    """
    return json.loads(config["env"]["MINIFAL_RUNNER"])["filtered"]


def look_after_servers(config: dict, hand, childs_hand):
    """A loop that handles the command's servers; None: not needed. The runner's keeper doesn't handle the command's."""
    if hand is None:
        return None
    from minifal_runner.keeper import servers
    from minifal_runner.shared import addresses, loop

    childs_hand.close()
    own = addresses.Addresses.described(json.loads(config["env"]["MINIFAL_RUNNER"])["own"])
    made = loop.Loop()
    servers.Placed(hand, own).begin(made, lambda *_: None)
    return made


def say_ended(gone: int) -> None:
    from minifal_runner.birth import door

    try:
        os.write(gone, door.ENDED)
    except OSError:
        pass  # The other side is gone.


def pump(child: int, ends: Ends, incoming: Incoming, woken: int, servers, gone: int | None) -> None:
    """Runs until the emulator ends the input, or until no process of the command is left."""
    while True:
        ends.write()
        reading = [woken, *ends.outputs, *(one for one in (servers, gone) if one is not None)]
        if len(ends.pending) < HIGH_WATER:
            reading.append(0)
        readable, _, _ = select.select(reading, [ends.input] if ends.pending else [], [])
        if woken in readable:
            os.read(woken, CHUNK)
            status, left = reap(child)
            if status is not None:
                ends.close()
                code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                send(b"x", b"%d" % code)
            if not left:
                return
        if gone in readable:
            return
        if servers in readable:
            servers.turn(0)
        for fd in [fd for fd in readable if fd in ends.outputs]:
            ends.read(fd)
        if 0 in readable:
            for frame in incoming.read():
                obey(ends, *frame)
            if incoming.ended:
                return


def obey(ends: Ends, kind: bytes, payload: bytes) -> None:
    if kind == b"d" and ends.input is not None and not ends.ending:
        ends.pending += payload
    elif kind == b"e":
        ends.end()
    elif kind == b"r":
        ends.resize(*json.loads(payload))


def reap(child: int) -> tuple[int | None, bool]:
    """The wait status of `child` if it has ended, and whether any process is left."""
    ended = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended, False
        if pid == 0:
            return ended, True
        if pid == child:
            ended = status


def enter(config: dict) -> None:
    """Adapts `env` to the world that the runner is in."""
    from minifal_runner.birth import rootfs

    if "folders" not in config["missing"]:
        rootfs.join(config["pid"], config["appDir"])
    fit(config)


def fit(config: dict) -> None:
    """Like `enter`, for a process that is already in that world."""
    from minifal_runner.birth import rootfs

    os.chdir("/app" if "folders" not in config["missing"] else config["appDir"])
    config["env"] = rootfs.fitting(config["env"], config["dataDir"], config["missing"])


def start(config: dict, ends: Ends, kernel, hand) -> int:
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
            from minifal_runner.keeper import servers

            servers.hand_over_filter(hand)
        execute(config)
    finally:
        os._exit(CANNOT_EXECUTE)


def execute(config: dict) -> None:
    command, env = config["command"], config["env"]
    try:
        if command is None:
            login_shell(env)
        os.execvpe(command[0], command, env)
    except (OSError, ValueError) as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError)) or is_nowhere(command, env)
        what = error.strerror if isinstance(error, OSError) else str(error)
        os.write(2, f"{command[0] if command else 'shell'}: {'not found' if missing else what}\n".encode())
        os._exit(NOT_FOUND if missing else CANNOT_EXECUTE)


def is_nowhere(command: list[str] | None, env: dict) -> bool:
    """Python reports an unreadable folder on PATH as a file that can't be executed; a shell skips it."""
    if command is None or "/" in command[0]:
        return False
    folders = (env.get("PATH") or os.defpath).split(os.pathsep)
    return not any(os.path.exists(os.path.join(folder, command[0])) for folder in folders)


def login_shell(env: dict) -> None:
    """
    Starts a shell without this machine's profiles, which are not part of a runner: many of them put another Python
    first on PATH. Commands typed here are not added to the user's own history.
    """
    env = {"PS1": r"runner:\w\$ ", "HISTFILE": "", **env}
    try:
        os.execvpe("bash", ["bash", "--noprofile", "-l"], env)
    except OSError:
        if not is_nowhere(["bash"], env):
            raise
        os.execvpe("sh", ["sh"], env)


def end_all(keeper) -> None:
    keeper.sweep()
    os._exit(0)


def _run() -> None:
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("minifal_runner_boot", os.path.join(folder, "boot.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make_package()
    carefully(main)


def carefully(act) -> None:
    """Reports failures as errors of the command itself."""
    try:
        act()
    except OSError as error:
        try:
            send(b"2", f"[minifal] The command can't run in this runner: {error}\n".encode())
            send(b"x", b"%d" % CANNOT_EXECUTE)
        except OSError:
            # The emulator is gone.
            pass
        from minifal_runner.keeper import keeper

        keeper.sweep()
        os._exit(1)


if __name__ == "__main__":
    _run()
