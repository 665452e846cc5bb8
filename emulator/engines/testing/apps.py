"""What the runners of conformance.ts run: each function is an entry point. Standard library only."""

import http.server
import os
import signal
import sys
import time

health_checks = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global health_checks
        status, body = 200, self.path.encode()
        if self.path == "/health":
            health_checks += 1
            status = 503 if health_checks <= int(os.environ.get("UNHEALTHY", "0")) else 200
        elif self.path == "/checks":
            body = str(health_checks).encode()
        elif self.path.startswith("/print/"):
            # As the SDK's middleware does.
            from __main__ import isolate_log_context

            request_id = self.headers.get("x-fal-request-id", "")
            isolate_log_context.set({"fal_request_id": request_id, "fal_endpoint": self.path})
            print("printed", self.path)
            print("warned", self.path, file=sys.stderr)
        elif self.path == "/die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.path.startswith("/exit/"):
            os._exit(int(self.path[len("/exit/"):]))
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def serve():
    http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()


def serve_deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve()


def serve_and_finish():
    def finish(*_):
        print("finished", flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, finish)
    serve()


def hang():
    print("hangs", flush=True)
    time.sleep(1000)


def fail():
    print("begins", flush=True)
    raise RuntimeError("no weights")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def value():
    print("called", flush=True)
    return "the value"


def warn():
    raise ValueError("bad input")
