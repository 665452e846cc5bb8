"""The app `Slow` of apps.py for the other servers: `servers.py litserve PORT`; BentoML imports `service`."""

import sys
import time

if sys.argv[1:2] == ["litserve"]:
    import litserve as ls

    class Slow(ls.LitAPI):
        def setup(self, device):
            time.sleep(1)

        def decode_request(self, request):
            return request["name"]

        def predict(self, name):
            return {"message": f"Hello, {name}!"}

        def encode_response(self, output):
            return output

    if __name__ == "__main__":
        ls.LitServer(Slow(api_path="/hello"), accelerator="cpu").run(
            host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False
        )
else:
    import bentoml

    @bentoml.service
    class service:  # noqa: N801
        def __init__(self):
            time.sleep(1)

        @bentoml.api
        def hello(self, name: str) -> dict:
            return {"message": f"Hello, {name}!"}
