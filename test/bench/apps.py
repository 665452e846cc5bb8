"""The apps of the benchmarks."""

import os
import time

import fal
from pydantic import BaseModel


class Input(BaseModel):
    name: str


class Output(BaseModel):
    message: str


class Hello(fal.App, keep_alive=600, max_concurrency=1, max_multiplexing=64):
    """templates/hello, except that one runner takes many requests at once and nothing is printed."""

    machine_type = "XS"

    @fal.endpoint("/")
    async def hello(self, input: Input) -> Output:
        return Output(message=f"Hello, {input.name}!")


class Slow(fal.App, keep_alive=2, max_concurrency=1):
    """Loads for a second, then greets."""

    machine_type = "XS"

    def setup(self):
        time.sleep(1)

    @fal.endpoint("/")
    def hello(self, input: Input) -> Output:
        return Output(message=f"Hello, {input.name}!")


@fal.function(exposed_port=8080, keep_alive=600, max_concurrency=1, max_multiplexing=64, machine_type="XS")
def echo():
    """A minimal HTTP server that returns every body. Opens its port once the file /data/gate exists."""
    import asyncio
    import os
    import time

    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport, self.held = transport, b""

        def data_received(self, data):
            self.held += data
            while True:
                end = self.held.find(b"\r\n\r\n")
                if end < 0:
                    return
                head = self.held[:end].lower()
                at = head.find(b"\r\ncontent-length:")
                size = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
                if len(self.held) < end + 4 + size:
                    return
                body, self.held = self.held[end + 4 : end + 4 + size], self.held[end + 4 + size :]
                self.transport.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % size + body
                )
                if b"\r\nconnection: close" in head:
                    self.transport.close()
                    return

    async def serve():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, "0.0.0.0", 8080, backlog=512)
        await server.serve_forever()

    # In /data, which has another path on a machine without namespaces.
    data = os.path.dirname(os.path.dirname(os.environ["HF_HOME"]))
    while not os.path.exists(f"{data}/gate"):
        time.sleep(0.02)
    asyncio.run(serve())


class Printing(fal.App, keep_alive=600, max_concurrency=1):
    """Prints 20 lines in a request, and answers their CPU time; or answers that of its process (in milliseconds)."""

    machine_type = "XS"

    @fal.endpoint("/")
    def run(self, input: Input) -> Output:
        if input.name == "cpu":
            return Output(message=str(time.process_time() * 1000))
        if input.name.startswith("loop "):
            lines = int(input.name[5:])
            for n in range(lines):
                print("step", n)
            print("the last of", lines)
        began = time.thread_time()
        for n in range(10):
            print("a line as apps print it: latents are on the device")
            print("step", n, "of 10")
        return Output(message=str((time.thread_time() - began) * 1000))
