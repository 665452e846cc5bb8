"""
The client's half of a deploy: loads apps as the CLI does and writes the bytes that `register` and `run` would send.
Arguments: the file of apps, a folder for the bytes. Prints what they are.
"""

import json
import os
import sys

os.environ.update(ISOLATE_TEST_MODE="1", FAL_GRPC_HOST="localhost:1", FAL_KEY="id:secret")

from fal.api import FalServerlessHost  # noqa: E402
from fal.api.api import _prepare_partial_func  # noqa: E402
from fal.sdk import FalServerlessConnection  # noqa: E402
from fal.utils import load_function_from  # noqa: E402
from google.protobuf.json_format import MessageToDict  # noqa: E402
from isolate.connections.grpc.interface import to_serialized_object  # noqa: E402

source, folder = sys.argv[1:]
registered = {"requirements": [], "pickles": {}}


def write(name, function):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(to_serialized_object(function, "cloudpickle").definition)
    registered["pickles"][name] = path


def capture(self, function, environments, **_):
    configuration = MessageToDict(environments[0].configuration)
    registered["requirements"] = sorted({*registered["requirements"], *configuration.get("requirements", ())})
    captured.append(function)
    return iter(())


FalServerlessConnection.register = capture
captured = []
host = FalServerlessHost()
for name in ("Talker", "Failing", "Faulty", "served", "needy", "brought"):
    loaded = load_function_from(host, source, name)
    host.register(loaded.function.func, loaded.function.options, deployment_strategy="recreate")
    write(name, captured.pop())
for name, function, arguments in (
    ("divide", "divide", (6, 3)),
    ("divide-by-zero", "divide", (6, 0)),
    ("unpicklable", "endless", ()),
):
    loaded = load_function_from(host, source, function)
    write(name, _prepare_partial_func(loaded.function.func, args=arguments))
print(json.dumps(registered))
