"""
A control plane that only records: answers BuildEnvironment, and keeps each Run open. Prints its port, then a line of
JSON per call with its message, maps sorted. Used where a test compares what two programs send.
"""

import base64
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import isolate_proto

ended = threading.Event()


def show(**line):
    print(json.dumps(line), flush=True)


def build(_message, _context):
    yield isolate_proto.BuildEnvironmentResult(
        status=isolate_proto.HostedRunStatus(state=isolate_proto.HostedRunStatus.State.SUCCESS)
    ).SerializeToString()


def run(message, context):
    sent = isolate_proto.HostedRun.FromString(message).SerializeToString(deterministic=True)
    show(call="run", message=base64.b64encode(sent).decode())
    yield isolate_proto.HostedRunResult(
        run_id="1",
        status=isolate_proto.HostedRunStatus(state=isolate_proto.HostedRunStatus.State.IN_PROGRESS),
        service_urls=isolate_proto.ServiceURLs(run="http://run/me/alias-1"),
    ).SerializeToString()
    while context.is_active() and not ended.wait(0.05):
        pass


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        serve = {"BuildEnvironment": build, "Run": run}.get(details.method.rsplit("/", 1)[-1])
        return serve and grpc.unary_stream_rpc_method_handler(serve)


server = grpc.server(ThreadPoolExecutor(16))
server.add_generic_rpc_handlers((Handler(),))
port = server.add_secure_port("localhost:0", grpc.local_server_credentials())
server.start()
show(port=port)
sys.stdin.read()
ended.set()
server.stop(0.1).wait()
