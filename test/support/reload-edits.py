"""
Random edits of a random app, and what a fresh runner of each version answers. Prints a line of JSON for the app, and
one for each edit: files, paths, answers. Arguments: the folder of the loader's test helpers, seed, number of edits.
"""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, sys.argv[1])
import harness  # noqa: E402
from generate import App  # noqa: E402
from random_edits import probe, warm, write  # noqa: E402
from workers import Importer, Runners  # noqa: E402

EXIT = """
    @fal.endpoint('/exit')
    def leave(self) -> dict:
        import os
        os._exit(3)
"""

folder = tempfile.mkdtemp(prefix="minifal-edits-")


def version(app: App, kind: str) -> None:
    files = app.render()
    files["app.py"] += EXIT
    write(folder, files)
    importer.ask()
    runners.ask("answers", importer.answer()["pickle"], app.paths())
    harness.show(kind=kind, files=files, paths=app.paths(), answers=runners.answer())


try:
    warm(folder)
    importer, runners = Importer(folder, takes_sdk=True), Runners(folder, probe)
    app = App(int(sys.argv[2]))
    version(app, "app")
    for _ in range(int(sys.argv[3])):
        version(app, app.edit())
    importer.end()
    runners.end()
finally:
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
