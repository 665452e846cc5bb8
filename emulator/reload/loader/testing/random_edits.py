"""
Random edits of random apps: for each that is swapped, all answers of the runner are those of a restarted one. Prints a
line of JSON per difference, and a summary with the processor's time for an edit. Arguments: seed, number of edits.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from generate import App  # noqa: E402
from workers import Importer, Runners  # noqa: E402

EDITS_PER_APP = 25


def write(folder: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)


async def probe(runner: harness.Runner, paths: list[str]) -> dict:
    direct = runner.without_middleware()
    found = {}
    for path in paths:
        found[path] = await runner.call(path, {"text": " q "}, app=None if path == "/" else direct)
    # All endpoints have the same input.
    found["invalid"] = await runner.call("/", {"text": 3}, app=direct)
    found["openapi"] = await runner.call("/openapi.json", None, "GET", app=direct)
    return found


class Totals:
    """What became of the edits, by kind."""

    def __init__(self):
        self.kinds: dict[str, list[int]] = {}
        self.different = self.edits = 0

    def add(self, kind: str, is_kept: bool) -> None:
        self.edits += 1
        total = self.kinds.setdefault(kind, [0, 0])
        total[0] += 1
        total[1] += is_kept


def edit(seed: int, count: int, folder: str, totals: Totals, kinds: tuple[str, ...]) -> None:
    """Makes `count` edits of the app of this seed."""
    app = App(seed, kinds)
    write(folder, app.render())
    importer, runners = Importer(folder, takes_sdk=seed % 4 == 1), Runners(folder, probe)
    try:
        importer.ask()
        runners.ask("start", importer.answer()["pickle"], app.paths())
        runners.answer()
        for number in range(1, count + 1):
            kind = app.edit()
            write(folder, app.render())
            importer.ask()
            answer = importer.answer()
            verdict, paths = answer["verdict"], app.paths()
            if verdict == "swap":
                runners.ask("swap", answer["delta"])
                refused = runners.answer()
                verdict = f"refused: {refused}" if refused else verdict
            if verdict in ("swap", "same"):
                runners.ask("compare", answer["pickle"], paths)
                bad = runners.answer()
                if bad:
                    totals.different += 1
                    name = next(iter(bad))
                    got, want = bad[name]
                    harness.show(seed=seed, edit=number, kind=kind, different=name, got=got, want=want)
            else:
                if os.environ.get("MINIFAL_TEST_SHOW"):
                    harness.show(kind=kind, verdict=verdict, reason=answer["reason"])
                runners.ask("start", answer["pickle"], paths)
                runners.answer()
            totals.add(kind, verdict in ("swap", "same"))
    finally:
        importer.end()
        runners.end()


def warm(folder: str) -> None:
    """Imports the libraries of importers and runners, for their forks."""
    # With models.
    app = App(1)
    write(folder, app.render())
    harness.libraries(folder)
    pickled = bytes.fromhex(harness.load(folder, None, [])["pickle"])
    harness.runner_libraries(folder, pickled, probe, app.paths())


def main(seed: int, count: int, stop_at_first: bool = False, kinds: tuple[str, ...] = ()) -> None:
    """`kinds`: of edits; empty: all."""
    folder = tempfile.mkdtemp(prefix="minifal-random-")
    totals = Totals()
    try:
        warm(folder)
        began = _cpu()
        while totals.edits < count and not (stop_at_first and totals.different):
            edit(seed, min(EDITS_PER_APP, count - totals.edits), folder, totals, kinds)
            seed += 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    about = {"edits": totals.edits, "different": totals.different, "kinds": totals.kinds}
    harness.show(summary={**about, "cpuMsPerEdit": round((_cpu() - began) * 1000 / totals.edits)})


def _cpu() -> float:
    """Seconds of this process and those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(it.ru_utime + it.ru_stime for it in used)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
