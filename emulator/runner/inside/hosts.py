"""
fal's own packages inside a runner call this emulator. Some of their hosts are constants, and functions that were
pickled by value contain the hosts of the machine that registered them
(docs/platform/runner-process.md#host-names-in-the-pickle). Each would send the runner's key to a host that isn't ours.
The names are those of fal 1.57 to 1.83 and fal_client 0.9 to 1.0; where a release has a variable for a host, this
agrees with it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import types

from . import imports

_PACKAGES = ("fal", "fal_client")
_VARIABLES = {"api": "FAL_REST_HOST", "run": "FAL_RUN_HOST", "queue": "FAL_QUEUE_RUN_HOST", "ws": "FAL_WS_RUN_HOST"}
_CONSTANTS = {
    # fal.flags, fal.api
    "GRPC_HOST": "{api}",
    "FAL_SERVERLESS_DEFAULT_URL": "{api}",
    "REST_HOST": "{api}",
    "REST_URL": "https://{api}",
    "FAL_RUN_HOST": "{run}",
    "FAL_QUEUE_RUN_HOST": "{queue}",
    "FAL_WS_RUN_HOST": "{ws}",
    # fal.apps
    "_STREAM_URL_FORMAT": "https://{run}/{{app_id}}",
    "_QUEUE_URL_FORMAT": "https://{queue}/{{app_id}}",
    "_REALTIME_URL_FORMAT": "wss://{run}/{{app_id}}",
    "_WS_URL_FORMAT": "wss://{ws}/{{app_id}}",
    # fal.toolkit
    "FAL_KV_HOST": "https://{api}",
    "_FAL_CDN": "https://{api}",
    "_FAL_CDN_V3": "https://{api}",
    # fal_client
    "RUN_URL_FORMAT": "https://{run}/",
    "QUEUE_URL_FORMAT": "https://{queue}/",
    "REALTIME_URL_FORMAT": "wss://{run}/",
    "CDN_URL": "https://{api}",
    "FAL_CDN_FALLBACK_URL": "https://{api}",
}

_ours: dict[str, str] = {}


def install() -> None:
    """Corrects modules that are imported from now on. Does nothing in a runner without the platform's variables."""
    hosts = {name: os.environ.get(variable) for name, variable in _VARIABLES.items()}
    if not all(hosts.values()):
        return
    _ours.update({name: text.format(**hosts) for name, text in _CONSTANTS.items()})
    imports.after(_is_fals, lambda module: _correct(vars(module)), _any_grpc_host)


def correct_loaded() -> None:
    """Corrects functions and modules that were pickled by value: no import hook sees them."""
    if not _ours:
        return
    seen = set()
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType:
            names = thing.__globals__
        elif type(thing) is types.ModuleType:
            names = vars(thing)
        else:
            continue
        if id(names) not in seen:
            seen.add(id(names))
            if _is_fals(names.get("__name__")):
                _correct(names)


def _is_fals(module_name) -> bool:
    return isinstance(module_name, str) and module_name.partition(".")[0] in _PACKAGES


def _correct(names: dict) -> None:
    for name in _ours.keys() & names.keys():
        if isinstance(names[name], str):
            names[name] = _ours[name]


@contextlib.contextmanager
def _any_grpc_host(name):
    """Releases before 1.59 refuse to be imported while FAL_HOST doesn't begin with `api`."""
    real = os.environ.get("FAL_HOST")
    if name == "fal.flags" and real is not None:
        os.environ["FAL_HOST"] = "api.fal.invalid"
    try:
        yield
    finally:
        if real is not None:
            os.environ["FAL_HOST"] = real
