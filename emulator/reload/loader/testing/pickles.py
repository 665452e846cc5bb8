"""Pickles an app with cloudpickle's own search for submodules, and with the loader's. Prints what both found."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from cloudpickle import cloudpickle as internals  # noqa: E402

APP = """
import concurrent.futures
import email
import email.mime.text
import os.path
import xml.dom.minidom
import xml.etree.ElementTree

import fal


def parse(text):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [xml.etree.ElementTree.fromstring(text), pool, email.message_from_string(text), os.path.sep]


class Demo(fal.App):
    machine_type = "XS"

    @fal.endpoint("/")
    def main(self) -> str:
        return str(parse("<a/>")) + str(email.mime.text.MIMEText)
"""


def _found(find, function) -> tuple[list[list[str]], bytes]:
    found: list[list[str]] = []

    def finding(code, dependencies):
        modules = find(code, dependencies)
        found.append([module.__name__ for module in modules])
        return modules

    internals._find_imported_submodules = finding
    return found, internals.dumps(function)


def main() -> None:
    folder = tempfile.mkdtemp(prefix="minifal-pickles-")

    def body():
        function = harness.import_app(folder).function
        ours = internals._find_imported_submodules
        own, pickled = _found(ours.__wrapped__, function)
        found, again = _found(ours, function)
        # A module that is imported later is found, too.
        import xml.sax.saxutils

        more = [[it.__name__ for it in find(_uses_sax.__code__, [xml])] for find in (ours, ours.__wrapped__)]
        return {
            "same": own == found and pickled == again,
            "found": sorted({name for names in found for name in names if not name.startswith("fal")}),
            "later": more,
        }

    try:
        with open(os.path.join(folder, "app.py"), "w") as file:
            file.write(APP)
        harness.show(**harness.in_child(body))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _uses_sax():
    return xml.sax.saxutils  # noqa: F821


if __name__ == "__main__":
    main()
