"""An existing FastAPI server, deployed as it is: fal forwards each request to its port."""

import fal
import fastapi
import pydantic

from server import create_app


@fal.function(
    machine_type="XS",
    keep_alive=60,
    max_multiplexing=10,  # The server handles requests at the same time.
    exposed_port=8080,
    # The code of server.py travels with this function, so the runner needs the same versions as this machine.
    local_python_modules=["server"],
    requirements=[f"fastapi=={fastapi.__version__}", f"pydantic=={pydantic.VERSION}", "uvicorn==0.54.0"],
    # fal doesn't ask a server for its schema; without this, the app has no playground.
    metadata={"openapi": create_app().openapi()},
)
def serve():
    import uvicorn

    # All interfaces: requests don't come from the machine itself.
    uvicorn.run(create_app(), host="0.0.0.0", port=8080)
