"""
The main process of a runner: prepares the process as the platform does, loads the registered callable on the main
thread, serves or waits for its one call, and reports over its channel (docs/platform/runner-process.md#launch).
"""

from __future__ import annotations

import atexit
import contextvars
import os
import signal
import sys
import types

from ..shared import addresses, reports
from . import callables, exceptions, gate, labels, objects, request_limit, rules, server_log, sources, stacks, streams
from .commands import Commands
from .debug.debugger import Debugger
from .start import steps


def run(config: dict, channel) -> int:
    """
    Returns the exit code. `channel`: to the supervisor. The environment, the folder and the descriptors are already
    set.
    """
    objects.begin()
    sources.add_libraries(config["extraPaths"])
    context = _fresh_main()
    logging_threads: set[int] = set()
    serving = streams.install(config["token"], context, config.get("board"), logging_threads)
    signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    network = rules.apply_from_environment()
    network.report = lambda host, port: _report(channel, "listening", host=host, port=port)
    noted = exceptions.Exceptions(_exception_sender(channel), context, serving)
    if config["callable"]["kind"] == "entrypoint" and config["appFolder"] is not None:
        # Without a wrapper of the SDK, nothing else makes app files importable.
        sys.path.append(config["appFolder"])
    if config["mode"] == "serve":
        labels.install(context, serving)
        noted.install()
        server_log.install(logging_threads)
        request_limit.install(lambda: _report(channel, "done"))
        gate.install(config["secret"], network.own.ports(), network.is_own_call, lambda: _report(channel, "gated"))
        declared = {config["port"], config["declaredPort"]}
        metrics_ports = frozenset({config["metricsPort"], config["declaredMetricsPort"]} - declared)
        way = steps.Steps(lambda event, **about: _report(channel, event, **about), serving, metrics_ports)
        return _serve(config, channel, noted, way, _listen(channel, serving))
    return _answer(config, channel, noted)


def _listen(channel, serving) -> Debugger:
    """Takes the emulator's commands from now on."""
    commands = Commands(channel)
    debugger = Debugger(commands, lambda event, **about: _report(channel, event, **about))

    def answer(command: dict) -> None:
        _report(channel, "stacks", ask=command["ask"], threads=stacks.take(serving.alone.get("requestId")))

    commands.on("stacks", answer)
    commands.start()
    return debugger


def _report(channel, event: str, **about: object) -> None:
    """
    Reports an event. An app that has closed the channel (it closes every descriptor that it didn't open) still serves.
    """
    try:
        channel.send({"event": event, **about})
    except OSError:
        pass


def _exception_sender(channel):
    """Only the runner's main process reports exceptions: a message of several processes at once would be torn."""
    main = os.getpid()

    def send(about: dict) -> None:
        if os.getpid() == main:
            _report(channel, "exception", **about)

    return send


def leave(code: int) -> None:
    """Ends the process now: a thread that the app left running must not keep a finished runner alive."""
    try:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)


def _fresh_main():
    """A `__main__` that has what the SDK's middleware looks for, and nothing of ours."""
    main = types.ModuleType("__main__")
    context = contextvars.ContextVar("isolate_log_context", default={})
    main.isolate_log_context = context
    sys.modules["__main__"] = main
    return context


def _serve(config: dict, channel, noted: exceptions.Exceptions, way: steps.Steps, debugger: Debugger) -> int:
    phase = exceptions.SETUP
    try:
        if config["debugger"]:
            debugger.wait()
        arguments = _setup(config)
        phase = exceptions.IMPORT
        way.begin()
        function = callables.load(config["callable"], "function")
        options = callables.ports_for(function, config["port"], config["metricsPort"])
        debugger.loaded()
        way.reach(steps.LOADED)
        if config["development"] and config["callable"]["kind"] == "pickle":
            _prepare_for_changes(function, channel, debugger)
        phase = exceptions.SETUP
        callables.invoke(function, arguments, options)
        _report(channel, "returned")
        return 0
    except callables.Refused as error:
        _note_refusal(noted, error)
        return _fail(channel, str(error))
    except SystemExit as error:
        return _exit_code(error)
    except BaseException as error:
        noted.note(error, phase)
        print(callables.traceback_of(error), file=sys.stderr, end="")
        return _fail(channel, callables.describe_error(error))


def _prepare_for_changes(function, channel, debugger: Debugger) -> None:
    from .swap import changing

    is_own_call = rules.apply_from_environment().is_own_call
    changing.install(function, debugger, is_own_call, lambda event, **about: _report(channel, event, **about))


def _answer(config: dict, channel, noted: exceptions.Exceptions) -> int:
    spec = config["callable"]
    method = callables.method_of(spec)
    function = None
    try:
        try:
            if "setup" in config:
                method = callables.method_of(config["setup"])
            arguments = _setup(config)
            method = callables.method_of(spec)
            function = callables.load(spec, "function")
            channel.send({"event": "loaded"})
            if channel.receive() is None:
                return 1
            value, raised = callables.invoke(function, arguments, {}), None
        except callables.Unloadable as error:
            _note_refusal(noted, error)
            value = error.as_result()
            if value is None:
                raise
            raised = callables.describe(value)
        except callables.Refused:
            raise
        except BaseException as error:
            noted.note(error, _phase_of_run(function))
            value, raised = error, callables.describe(error)
        _store(config["resultFile"], callables.serialize(value, method))
        channel.send({"event": "result", "method": method, "raised": raised and reports.fitted(raised)})
    except callables.Refused as error:
        channel.send({"event": "refused", "reason": reports.cut(str(error), 100_000)})
    return 0


def _note_refusal(noted: exceptions.Exceptions, error: callables.Refused) -> None:
    if isinstance(error, callables.Unloadable) and error.__cause__ is not None:
        noted.note(error.__cause__, exceptions.IMPORT)


def _phase_of_run(function) -> str:
    """The phase in which a plain function failed. `function`: None while its setup function runs."""
    if function is None:
        return exceptions.SETUP
    return exceptions.REQUEST if callables.was_imported(function) else exceptions.IMPORT


def _setup(config: dict) -> list:
    """Returns the first arguments: the setup function's value, if there is one."""
    if "setup" not in config:
        return []
    return [callables.invoke(callables.load(config["setup"], "setup"), [], {})]


def _store(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _fail(channel, reason: str) -> int:
    _report(channel, "failed", reason=reports.cut(reason, 100_000))
    return 1
