"""
`fal run` by the SDK's own code, observed or cut off where it would send its message. Hooks only watch: the message is
always the one that the SDK made.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

from . import submodules

DEBUG = "MINIFAL_RUN_DEBUG"
"""`wait`: runners of the run wait for a debugger (`minifal run --debug`)."""


class Captured(BaseException):
    """Ends `fal run` in place of the call. No `Exception`: the SDK must not handle it."""

    def __init__(self, run: Run):
        super().__init__("captured")
        self.run = run


class Run:
    """What `fal run` sends: the message, and the callable that is pickled in it (None for an entry point)."""

    def __init__(self, message, function):
        self.message, self.function = message, function


class Hooks:
    """What a child of the loader does with the steps of `fal run`."""

    def on_options(self, options) -> None:
        """The app is imported, and its options are complete."""

    def on_read(self, path) -> None:
        """The SDK is about to read a file for an image: a Dockerfile, or what its build leaves out."""

    def skips_build(self, environments: list) -> bool:
        """Whether this environment is known to exist, so that its build isn't requested."""
        return False

    def on_run(self, run: Run) -> None:
        """Before the call is made. May raise `Captured`."""

    def on_urls(self, urls) -> None:
        """The app's addresses arrived."""


def run_command(argv: list[str], hooks: Hooks) -> int:
    """`fal run` with these arguments, as the command does it; returns its exit code."""
    from fal.cli import main

    install(hooks)
    return main(["run", *argv])


def run_bare(arguments, hooks: Hooks) -> None:
    """Like `run_command`, but for parsed arguments, and errors are raised instead of printed."""
    install(hooks)
    arguments.func(arguments)


def app_file_of(arguments) -> str | None:
    """The file that parsed arguments name, itself or by its name in pyproject.toml."""
    from fal.cli._utils import get_app_data_from_toml, is_app_name
    from fal.cli.parser import RefAction

    reference = arguments.func_ref
    if is_app_name(reference):
        found = get_app_data_from_toml(reference[0])
        # Earlier releases return a tuple.
        reference = RefAction.split_ref(getattr(found, "ref", None) or (found[0] if isinstance(found, tuple) else ""))
    return os.path.abspath(reference[0]) if reference[0] else None


def parse(argv: list[str]):
    """The arguments of `fal run`, parsed by the SDK. Raises what the SDK raises for wrong ones."""
    import fal.cli  # noqa: F401

    # By its full name: the package's attribute of this name is the function.
    return sys.modules["fal.cli.main"].parse_args(["run", *argv])


def install(hooks: Hooks) -> None:
    """Lets `hooks` see the steps of `fal run` in this process."""
    submodules.install()
    _observe_reads(hooks)
    from fal.api import FalServerlessHost
    from fal.sdk import FalServerlessConnection, HostedRunState, HostedRunStatus

    connection_run = FalServerlessConnection.run
    connection_stub = FalServerlessConnection.stub.fget
    # Earlier releases complete the options before they run the function.
    prepare_options = getattr(FalServerlessHost, "prepare_options", None)
    host_run = FalServerlessHost._run
    pending: list = []

    def prepared(self, *arguments, **options):
        result = prepare_options(self, *arguments, **options)
        hooks.on_options(result)
        return result

    def running(self, function, options, *arguments, **more):
        hooks.on_options(options)
        return host_run(self, function, options, *arguments, **more)

    def run(self, function, *arguments, **options):
        pending.append(function)
        for result in connection_run(self, function, *arguments, **options):
            if getattr(result, "service_urls", None) is not None:
                hooks.on_urls(result.service_urls)
            yield result

    def stub(self):
        found = connection_stub(self)
        if not getattr(found, "_minifal_observed", False):
            call = found.Run

            def observed(message, *arguments, **options):
                hooks.on_run(Run(message, pending[-1] if pending else None))
                if os.environ.get(DEBUG) == "wait":
                    options["metadata"] = (*(options.get("metadata") or ()), ("x-minifal-debug", "wait"))
                return call(message, *arguments, **options)

            found.Run = observed
            found._minifal_observed = True
        return found

    if prepare_options is None:
        FalServerlessHost._run = running
    else:
        FalServerlessHost.prepare_options = prepared
    FalServerlessConnection.run = run
    FalServerlessConnection.stub = property(stub)
    if hasattr(FalServerlessConnection, "build_environment"):
        from fal.sdk import BuildEnvironmentResult

        build = FalServerlessConnection.build_environment

        def build_environment(self, environments, *arguments, **options):
            if hooks.skips_build(environments):
                yield BuildEnvironmentResult(status=HostedRunStatus(HostedRunState.SUCCESS))
            else:
                yield from build(self, environments, *arguments, **options)

        FalServerlessConnection.build_environment = build_environment


_READERS = ("fal.container", "fal.cli._utils")
"""Where the SDK reads Dockerfiles: of images in code, and of those in pyproject.toml."""


def _observe_reads(hooks: Hooks) -> None:
    """By a hook of Python: the SDK's functions can be part of the pickled app, and must stay as they are."""

    def observe(event: str, arguments: tuple) -> None:
        if event != "open":
            return
        # Threads of native code have no caller.
        caller = sys._getframe().f_back
        if caller is not None and caller.f_globals.get("__name__") in _READERS:
            hooks.on_read(arguments[0])

    sys.addaudithook(observe)


def warm() -> None:
    """
    Lets cloudpickle learn the names that the SDK's functions use. It keeps them by code object, so children that pickle
    an app have them.
    """
    import gc
    import types

    from cloudpickle import cloudpickle as internals

    for value in gc.get_objects():
        if isinstance(value, types.FunctionType) and str(value.__globals__.get("__name__")).startswith("fal"):
            try:
                internals._extract_code_globals(value.__code__)
            except Exception:
                return


def registration_of(message) -> dict:
    """All of the message but the app itself, by field, as JSON texts that can be compared."""
    from google.protobuf.json_format import MessageToDict

    rest = type(message)()
    rest.CopyFrom(message)
    found: dict[str, object] = {"function": rest.HasField("function")}
    rest.ClearField("function")
    for name, value in MessageToDict(rest, preserving_proto_field_name=True).items():
        if name == "machine_requirements":
            found.update({f"machine_requirements.{part}": it for part, it in value.items()})
        else:
            found[name] = value
    return {name: json.dumps(value, sort_keys=True) for name, value in found.items()}


@contextlib.contextmanager
def quiet_console():
    """The SDK's own texts aren't printed again at each save; what the app prints is."""
    from fal.console import console

    before, console.quiet = console.quiet, True
    # A quiet console still lays its texts out.
    console.print = lambda *_, **__: None
    try:
        yield
    finally:
        console.quiet = before
        del console.print
