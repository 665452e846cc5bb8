"""
Points the clients under test at the emulator if they have a built-in host without a variable for it. Python imports
this file automatically in every process with this folder on its PYTHONPATH. The code of the tests and the clients isn't
changed; only these names differ:

- fal.toolkit.kv, fal_client: the hosts of the key-value store, of REST and of the CDN;
- fal before 1.59: all hosts, which it derives from one that must begin with `api`.

Names below localhost (`ws.localhost`, which fal 1.79.1 and earlier derive) resolve to loopback, which is the default on
most desktops.
"""

import contextlib
import os
import socket
import sys
from importlib.machinery import PathFinder


def flags(module):
    module.GRPC_HOST = os.environ["FAL_GRPC_HOST"]
    module.REST_HOST = os.environ["FAL_REST_HOST"]
    module.REST_URL = f"{module.REST_SCHEME}://{module.REST_HOST}"
    module.FAL_RUN_HOST = os.environ["FAL_RUN_HOST"]


def key_values(module):
    module.FAL_KV_HOST = "https://" + os.environ["FAL_REST_HOST"]


def client(module):
    module.REST_URL = module.CDN_URL = "https://" + os.environ["FAL_REST_HOST"]


CHANGES = {"fal.flags": flags, "fal.toolkit.kv": key_values, "fal_client.client": client}


class Finder:
    @staticmethod
    def find_spec(name, path, target=None):
        change = CHANGES.get(name)
        spec = PathFinder.find_spec(name, path, target) if change else None
        if spec is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_change(module):
            with accepted_host(name):
                execute(module)
            change(module)

        spec.loader.exec_module = execute_and_change
        return spec


@contextlib.contextmanager
def accepted_host(name):
    """While `fal.flags` looks at it, FAL_HOST is one that every release accepts."""
    real = os.environ.get("FAL_HOST")
    if name == "fal.flags" and real is not None:
        os.environ["FAL_HOST"] = "api.fal.invalid"
    try:
        yield
    finally:
        if real is not None:
            os.environ["FAL_HOST"] = real


def below_localhost(host, *rest, **more):
    return resolve("localhost" if str(host).endswith(".localhost") else host, *rest, **more)


if "FAL_GRPC_HOST" in os.environ:
    resolve, socket.getaddrinfo = socket.getaddrinfo, below_localhost
    sys.meta_path.insert(0, Finder)
