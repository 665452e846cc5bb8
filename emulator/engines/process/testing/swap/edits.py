"""
Makes what an engine gets for each edit of the loader's tables. Arguments: the folder of the loader's test helpers, a
table, a folder for the results, and numbers of edits (none: all). Prints a line of JSON for the app, and for each edit:
its name, the verdict, and the app's files. The results are callables (`N.pickle`) and changes (`N.delta`).
"""

import base64
import json
import os
import shutil
import sys
import tempfile

helpers, name, out, *numbers = sys.argv[1:]
sys.path.insert(0, helpers)
import harness  # noqa: E402
import table  # noqa: E402

folder = tempfile.mkdtemp(prefix="minifal-edits-")


def store(file: str, data: bytes) -> None:
    with open(os.path.join(out, file), "wb") as written:
        written.write(data)


def app_files() -> dict[str, str]:
    """The only one of both apps; all other modules travel with the callable."""
    path = os.path.join(folder, "filemod.py")
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return {"filemod.py": file.read()}


def main() -> None:
    table.fill(folder, name)
    harness.libraries(folder)
    base = harness.load(folder, None, [])
    described = json.dumps(base["new"])
    volatile = harness.volatile_of(base["new"], harness.load(folder, described, [])["new"])
    store("base.pickle", bytes.fromhex(base["pickle"]))
    harness.show(number=-1, name="the app", verdict="same", files=app_files())
    for number, (what, changes) in enumerate(table.TABLES[name]):
        if numbers and str(number) not in numbers:
            continue
        table.fill(folder, name, changes)
        loaded = harness.load(folder, described, volatile)
        if loaded["verdict"] == "swap":
            store(f"{number}.pickle", bytes.fromhex(loaded["pickle"]))
            store(f"{number}.delta", base64.b64decode(loaded["delta"]))
        harness.show(number=number, name=what, verdict=loaded["verdict"], files=app_files())


try:
    main()
finally:
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
