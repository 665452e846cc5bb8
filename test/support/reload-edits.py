"""
Random edits of a random app, and what a fresh runner of each version answers. Prints a line of JSON for the app, and
one for each edit: files, paths, answers. Arguments: the folder of the loader's test helpers, seed, number of edits.
"""

import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, sys.argv[1])
import harness  # noqa: E402
from generate import App  # noqa: E402
from random_edits import probe, write  # noqa: E402

EXIT = """
    @fal.endpoint('/exit')
    def leave(self, input: Input) -> dict:
        import os
        os._exit(3)
"""

folder = tempfile.mkdtemp(prefix="minifal-edits-")


def version(app: App, kind: str) -> None:
    files = app.render()
    files["app.py"] += EXIT
    write(folder, files)
    loaded = harness.load(folder, None, [])
    if loaded["verdict"] == "failed":
        raise RuntimeError(json.dumps(loaded["error"]))
    fresh = harness.LiveRunner(loaded["pickle"], folder, probe)
    harness.show(kind=kind, files=files, paths=app.paths(), answers=fresh.probe(app.paths()))
    fresh.end()


try:
    app = App(int(sys.argv[2]))
    write(folder, app.render())
    harness.libraries(folder)
    version(app, "app")
    for _ in range(int(sys.argv[3])):
        version(app, app.edit())
finally:
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
