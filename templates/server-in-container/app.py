"""The server as it was before, with nothing of fal in it. Replace it by yours, in any language."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ.get("PORT", "8080"))
MAX_BYTES = 1_000_000


class Words(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(*((200, {}) if self.path == "/health" else (404, {"detail": "Not Found"})))

    def do_POST(self):
        size = int(self.headers.get("content-length") or 0)
        if size > MAX_BYTES:
            self.close_connection = True
            return self.answer(413, {"detail": f"More than {MAX_BYTES} bytes."})
        try:
            text = json.loads(self.rfile.read(size))["text"]
            words = text.split()
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.answer(422, {"detail": "Send JSON with a text."})
        if not words:
            return self.answer(422, {"detail": "There are no words in this text."})
        counts = {"words": len(words), "characters": len(text), "longest": max(words, key=len)}
        # What fal bills: one unit for each 1000 characters that have begun.
        return self.answer(200, counts, {"x-fal-billable-units": str(-(-len(text) // 1000))})

    def answer(self, status, value, headers=None):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print(f"Listening on port {PORT}", flush=True)
    # All interfaces: requests don't come from the machine itself.
    ThreadingHTTPServer(("0.0.0.0", PORT), Words).serve_forever()
