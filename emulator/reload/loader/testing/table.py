"""
Swaps and restarts each edit of a table, and prints a line of JSON with the verdict and what answered differently.
Arguments: the name of a table; numbers of edits, none for all.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import select
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
import corpus_edits  # noqa: E402
import edits  # noqa: E402
import odd_edits  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = {
    "base": edits.EDITS,
    "corpus": corpus_edits.EDITS,
    "odd": odd_edits.EDITS,
    "computed": odd_edits.COMPUTED,
}
CALLS = (
    ("/shown", None),
    ("/options", {"depth": 3}),
    ("/options", {"depth": "3x"}),
    ("/", {"text": "a", "inner": {}, "level": 2}),
    ("/", {"text": "a" * 10}),
    ("/", {"prompt": " p "}),
    ("/", {}),
    ("/", {"prompt": 3}),
    ("/fail", None),
    ("/fail2", None),
    ("/new", {}),
    ("/stream", None),
    ("/slow", None),
)


async def probe(runner: harness.Runner) -> dict:
    found = {f"{path} {json.dumps(body)}": await runner.call(path, body) for path, body in CALLS}
    found["openapi"] = await runner.call("/openapi.json", None, "GET")
    found["health"] = await runner.call("/health", None, "GET")
    found["realtime"] = await runner.message("/rt", {"prompt": "w"})
    status, text = await runner.call("/state", None)
    try:
        # What requests count.
        text = {name: value for name, value in json.loads(text).items() if name not in ("counter", "seen")}
    except ValueError:
        pass
    found["state"] = [status, text]
    return found


def serve(pickled: str, folder: str, delta: bytes | None):
    """The answers of a runner, after a swap if there is a delta."""

    async def run():
        runner = harness.Runner(bytes.fromhex(pickled), folder)
        await runner.start()
        found = await probe(runner)
        if delta is not None:
            refused = runner.swap(delta)
            if refused is not None:
                return {"refused": refused}
        await runner.call("/", {"prompt": "q"})
        found = await probe(runner)
        out = os.dup(1)
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        failed = await runner.stop()
        sys.stdout.flush()
        os.dup2(out, 1)
        os.close(writing)
        found["teardown"] = [failed, os.read(reading, 10_000).decode() if _has(reading) else ""]
        return found

    def body():
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        return asyncio.run(run())

    return harness.in_child(body)


def _has(descriptor: int) -> bool:
    os.set_blocking(descriptor, False)
    return bool(select.select([descriptor], [], [], 0)[0])


def fill(folder: str, table: str, changes=()) -> None:
    shutil.copytree(os.path.join(HERE, table), folder, dirs_exist_ok=True)
    for name, old, new in changes:
        path = os.path.join(folder, name)
        with open(path) as file:
            text = file.read()
        assert old in text, (name, old)
        with open(path, "w") as file:
            file.write(text.replace(old, new, 1))


def differing(got: dict, want: dict) -> dict:
    return {name: [str(got.get(name))[:500], str(want[name])[:500]] for name in want if got.get(name) != want[name]}


def main(table: str, numbers: list[int]) -> None:
    folder = tempfile.mkdtemp(prefix="minifal-table-")
    try:
        fill(folder, table)
        harness.libraries(folder)
        base = harness.load(folder, None, [])
        if "error" in base:
            raise RuntimeError(base["error"])
        text = json.dumps(base["new"])
        again = harness.load(folder, text, [])
        volatile = harness.volatile_of(base["new"], again["new"])
        harness.show(name="(base)", verdict=again["verdict"], volatile=volatile, ms=again["ms"])
        for number, (name, changes) in enumerate(TABLES[table]):
            if numbers and number not in numbers:
                continue
            fill(folder, table, changes)
            answer = harness.load(folder, text, volatile)
            row = {"number": number, "name": name, "verdict": answer["verdict"], "reason": answer.get("reason")}
            if answer["verdict"] == "swap":
                delta = base64.b64decode(answer["delta"])
                got = serve(base["pickle"], folder, delta)
                row["bytes"], row["ms"] = len(delta), answer["ms"]
                row["operations"] = answer["certificate"]["operations"]
                if "refused" in got:
                    row["verdict"], row["reason"] = "refused", got["refused"]
                else:
                    row["different"] = differing(got, serve(answer["pickle"], folder, None))
            elif answer["verdict"] == "failed":
                row["reason"] = answer["error"]["message"]
            harness.show(**row)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], [int(number) for number in sys.argv[2:]])
