"""
Random edits of random apps: for each that is swapped, all answers of the runner are those of a restarted one. Prints a
line of JSON per difference, and a summary. Arguments: seed, number of edits.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from generate import App  # noqa: E402

EDITS_PER_APP = 25


def write(folder: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)


async def probe(runner, paths: list[str]) -> dict:
    found = {}
    for path in paths:
        found[path] = await runner.call(path, {"text": " q "})
    # All endpoints have the same input.
    found["invalid"] = await runner.call("/", {"text": 3})
    found["openapi"] = await runner.call("/openapi.json", None, "GET")
    return found


def main(seed: int, count: int) -> None:
    folder = tempfile.mkdtemp(prefix="minifal-random-")
    totals: dict[str, list[int]] = {}
    different = done = 0
    began = time.monotonic()
    try:
        while done < count:
            app = App(seed)
            seed += 1
            write(folder, app.render())
            if not done:
                harness.libraries(folder)
            base = harness.load(folder, None, [])
            if "error" in base:
                raise RuntimeError(json.dumps(base["error"]))
            if not done:
                harness.runner_libraries(folder, base["pickle"], probe, app.paths())
            runner = harness.LiveRunner(base["pickle"], folder, probe)
            runner.probe(app.paths())
            for _ in range(min(EDITS_PER_APP, count - done)):
                kind = app.edit()
                files = app.render()
                write(folder, files)
                answer = harness.load(folder, json.dumps(base["new"]), [])
                done += 1
                total = totals.setdefault(kind, [0, 0])
                total[0] += 1
                verdict = answer["verdict"]
                if verdict == "failed":
                    raise RuntimeError(json.dumps(answer["error"]))
                if verdict == "swap":
                    refused = runner.swap(base64.b64decode(answer["delta"]))
                    if refused is not None:
                        verdict = f"refused: {refused}"
                if verdict == "swap":
                    total[1] += 1
                    got = runner.probe(app.paths())
                    fresh = harness.LiveRunner(answer["pickle"], folder, probe)
                    want = fresh.probe(app.paths())
                    fresh.end()
                    bad = {name: [got[name], want[name]] for name in want if got[name] != want[name]}
                    if bad:
                        different += 1
                        name = next(iter(bad))
                        harness.show(
                            seed=seed - 1, kind=kind, different=name, got=bad[name][0], want=bad[name][1], edit=done
                        )
                elif verdict == "same":
                    total[1] += 1
                else:
                    if os.environ.get("MINIFAL_TEST_SHOW"):
                        harness.show(kind=kind, verdict=verdict, reason=answer.get("reason"))
                    runner.end()
                    runner = harness.LiveRunner(answer["pickle"], folder, probe)
                    runner.probe(app.paths())
                base = answer
            runner.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    milliseconds = round((time.monotonic() - began) * 1000 / max(done, 1))
    harness.show(summary={"edits": done, "different": different, "msPerEdit": milliseconds, "kinds": totals})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
