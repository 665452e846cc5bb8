"""
What pydevd leaves open when a debug adapter is lost: a runner that waits for its editor would wait without end, and a
thread that was stopped would count as stopped, and stop again for the next debugger.
"""

from __future__ import annotations

import sys
import threading
import time

PATIENCE = 60.0
"""Seconds that an editor has to set its breakpoints once the runner is connected to its adapter."""
_TICK = 0.05
_RUNNING, _SUSPENDED = 1, 2
"""`pydev_state` of a thread."""
_NO_STEP = -1


def watch_over_attaching(connected) -> None:
    """
    From now on, connecting to an adapter calls `connected()`, and fails if the adapter is lost before the editor has
    set its breakpoints.
    """

    def wait(py_db) -> None:
        connected()
        wait_until_ready(py_db)

    sys.modules["pydevd"].PyDB.wait_for_ready_to_run = wait


def wait_until_ready(py_db, clock=time.monotonic) -> None:
    """In place of pydevd's own, which waits without end."""
    end = clock() + PATIENCE
    while not py_db.ready_to_run:
        if py_db.pydb_disposed:
            raise ConnectionError("the debug adapter has ended the connection")
        if clock() > end:
            py_db.dispose_and_kill_all_pydevd_threads()
            raise TimeoutError(f"the editor has not attached within {PATIENCE:.0f} seconds")
        py_db.process_internal_commands()
        py_db._py_db_command_thread_event.clear()
        py_db._py_db_command_thread_event.wait(_TICK)


def end_earlier() -> None:
    """
    While an earlier session has its threads, which it keeps until its adapter closes the connection, pydevd takes a
    new connection for another call of the same session, and connects to nothing.
    """
    earlier = sys.modules["pydevd"].get_global_debugger()
    if earlier is None:
        return
    earlier.dispose_and_kill_all_pydevd_threads()
    if sys.modules["pydevd"].get_global_debugger() is earlier:
        raise TimeoutError("the earlier debug session has not ended")


def is_connected() -> bool:
    """Whether an editor is attached."""
    pydevd = sys.modules.get("pydevd")
    return pydevd is not None and pydevd._is_attached()


def stopped_threads() -> int:
    """How many threads the debugger has stopped."""
    return sum(1 for info in _infos() if info.pydev_state == _SUSPENDED)


def forget_stops() -> None:
    """After a session: no thread is stopped, or is about to be."""
    for info in _infos():
        info.pydev_state = _RUNNING
        info.pydev_step_cmd = info.pydev_original_step_cmd = _NO_STEP
        info.pydev_step_stop = None


def _infos() -> list:
    """What pydevd knows of each thread that it has seen."""
    # Not `threading.enumerate`: a stopped thread may hold its lock.
    threads = [threading._active.get(ident) for ident in sys._current_frames()]
    infos = [getattr(thread, "additional_info", None) for thread in threads]
    return [info for info in infos if hasattr(info, "pydev_state")]
