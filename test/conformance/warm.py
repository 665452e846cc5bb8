"""Builds every environment that the suite needs, with the emulator's own BuildEnvironment, before time limits start.

Upstream's tests have a time limit and expect a warm cache. So exactly the environments that the tests will request are
built first: those of all apps in test_apps.py, read from the module itself, and those of the integration tests, whose
requirements are in the test bodies and are listed here.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import fal
from fal.api import IsolatedFunction, Options
from fal.app import App, wrap_app
from pydantic import __version__ as pydantic_version

INTEGRATION_REQUIREMENTS = [
    [],
    [f"pydantic=={pydantic_version}"],
    [f"pydantic=={pydantic_version}", "tomli"],
    [f"pydantic=={pydantic_version}", "pytest"],
    ["pyjokes==0.5.0"],
    ["refactor"],
    ["pillow", f"pydantic=={pydantic_version}", "tomli"],
]


def functions():
    from tests.e2e import test_apps

    for name, value in vars(test_apps).items():
        if isinstance(value, IsolatedFunction):
            yield name, value
        elif isinstance(value, type) and issubclass(value, App) and value is not App:
            try:
                yield name, wrap_app(value)
            except fal.exceptions.FalServerlessException:
                continue  # BrokenApp, on purpose

    for requirements in INTEGRATION_REQUIREMENTS:
        options = {"requirements": requirements} if requirements else {}
        yield f"requirements {requirements}", fal.function("virtualenv", **options)(lambda: None)


def build_environment(host, options) -> None:
    if hasattr(host, "build_environment"):
        host.build_environment(options)
    else:
        # Earlier releases built an environment only when something was to run in it.
        host.run(lambda: None, Options(environment=dict(options.environment)), (), {})


def main() -> int:
    environments = {}
    for name, function in functions():
        if function.options.environment.get("kind") != "container":
            key = json.dumps(function.options.environment, sort_keys=True, default=str)
            environments.setdefault(key, (name, function))

    def build(entry):
        name, function = entry
        began = time.monotonic()
        try:
            build_environment(function.host, function.options)
        except Exception as error:
            return f"{name}: {error}"
        print(f"  {time.monotonic() - began:5.1f} s  {name}", flush=True)
        return None

    with ThreadPoolExecutor(2) as pool:
        failures = [failure for failure in pool.map(build, environments.values()) if failure]
    for failure in failures:
        print(f"  failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
