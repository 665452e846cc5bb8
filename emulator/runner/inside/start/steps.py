"""
Reports the steps of a serving runner's start: the app's code begins to load, is loaded, its server begins to set the
app up (`setup()`), the app is set up, and its first request is over. The emulator takes the time of each. With each
step comes what was imported since the one before, or by that request; with the later ones, what was written and
installed meanwhile. After the first request, nothing of this is left in the runner's way.
"""

from __future__ import annotations

import os
import sysconfig

from .. import imports
from ...shared import reports
from .import_times import ImportTimes

CODE, LOADED, SETUP, SET_UP, CALLED = reports.STEPS
_SUFFIX = ".dist-info"
_SITE_PACKAGES = sysconfig.get_path("purelib")
"""Found out before the runner is forked, because it takes a while."""


class Steps:
    """
    `report(event, **about)`; `serving`: see serving.py; `metrics_ports`: servers there are the SDK's own, next to the
    app's.
    """

    def __init__(self, report, serving, metrics_ports: frozenset[int]):
        self._metrics_ports = metrics_ports
        self._report = report
        self._serving = serving
        self._times = ImportTimes()
        self._main = os.getpid()
        self._reached = -1
        self._written = 0
        self._packages: frozenset[str] = frozenset()

    def begin(self) -> None:
        """The app's code is loaded next."""
        self._times.begin()
        imports.after(lambda name: name == "uvicorn.lifespan.on", self._watch_setup)
        # What the server imported since it was set up isn't the request's.
        self._serving.notice_first(self._times.take, self._called)
        self._packages = _packages()
        self.reach(CODE)

    def reach(self, step: str, ms: int = 0) -> None:
        """Each step is reported once, in order, and by the runner's main process. Never raises."""
        place = reports.STEPS.index(step)
        if place <= self._reached or os.getpid() != self._main:
            return
        self._reached = place
        try:
            written, installed = 0, []
            if step in (SETUP, SET_UP):
                total = _written()
                written, self._written = max(0, total - self._written), total
            if step == SET_UP:
                installed = sorted(_packages() - self._packages)[: reports.MOST_NAMES]
            about = {"imports": self._times.take(), "written": written, "installed": installed, "ms": ms}
            self._report("step", step=step, **about)
            if step == CALLED:
                self._times.end()
        except Exception:
            pass

    def _called(self, seconds: float) -> None:
        self.reach(CALLED, ms=max(0, min(round(seconds * 1000), reports.HIGHEST_LINE)))

    def _watch_setup(self, module) -> None:
        startup = module.LifespanOn.startup

        async def startup_in_steps(lifespan):
            is_apps = lifespan.config.port not in self._metrics_ports
            if is_apps:
                self.reach(SETUP)
            await startup(lifespan)
            if is_apps and not lifespan.should_exit:
                self.reach(SET_UP)

        module.LifespanOn.startup = startup_in_steps


def _written() -> int:
    """Bytes that this process, and those that it has waited for, wrote to files, pipes and terminals."""
    try:
        with open("/proc/self/io") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name == "wchar":
                    return min(int(value), reports.MOST_BYTES)
    except (OSError, ValueError):
        pass
    return 0


def _packages() -> frozenset[str]:
    """The installed packages, by the names of their folders."""
    try:
        names = os.listdir(_SITE_PACKAGES)
    except OSError:
        return frozenset()
    return frozenset(name[: -len(_SUFFIX)][: reports.LONGEST_NAME] for name in names if name.endswith(_SUFFIX))
