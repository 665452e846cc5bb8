"""A server without any framework, as a developer may have one in an image: what it does on request is in its paths."""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        head, *rest = self.path.strip("/").split("/", 1)
        value = rest[0] if rest else ""
        if head == "exit":
            os._exit(int(value))
        if head == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if head == "print":
            sys.stdout.write(f"printed {value}\n")
            sys.stderr.write(f"warned {value}\n")
            sys.stdout.flush()
        answers = {
            "env": lambda: os.environ.get(value, "none"),
            "read": lambda: open(f"/{value}").read(),
            "call": lambda: call(value),
            "write": lambda: open(f"/{value}", "w").write("written"),
        }
        text = str(answers.get(head, lambda: self.path)())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


def call(path):
    """A request to the emulator, such as apps make to themselves and to each other."""
    url = f"https://{os.environ['FAL_RUN_HOST']}/{path}"
    headers = {"authorization": f"Key {os.environ['FAL_KEY']}"}
    return urlopen(Request(url, headers=headers)).read().decode()


def finish(*_):
    print("finishing", flush=True)
    time.sleep(0.2)
    print("finished", flush=True)
    sys.exit(0)


handlers = {"finish": finish, "deaf": signal.SIG_IGN}
if len(sys.argv) > 2:
    signal.signal(signal.SIGTERM, handlers[sys.argv[2]])
print("serves", flush=True)
ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
