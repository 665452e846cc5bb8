"""Loads apps as the CLI does and writes what it would register. Arguments: the file of the apps, a folder, names."""

import os
import sys

os.environ.update(ISOLATE_TEST_MODE="1", FAL_GRPC_HOST="localhost:1", FAL_KEY="id:secret")

from fal.api import FalServerlessHost  # noqa: E402
from fal.sdk import FalServerlessConnection  # noqa: E402
from fal.utils import load_function_from  # noqa: E402
from isolate.connections.grpc.interface import to_serialized_object  # noqa: E402

source, folder, *names = sys.argv[1:]
host = FalServerlessHost()


def keep(self, function, environments, **_):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(to_serialized_object(function, "cloudpickle").definition)
    return iter(())


FalServerlessConnection.register = keep
for name in names:
    loaded = load_function_from(host, source, name)
    host.register(loaded.function.func, loaded.function.options, deployment_strategy="recreate")
