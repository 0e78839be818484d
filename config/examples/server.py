# SPDX-License-Identifier: Apache-2.0
"""A web server of the standard library that writes a line for each request to stderr."""

import http.server
import json
import os
import signal
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"app": os.environ.get("PM_NAME", "api"), "path": self.path, "pid": os.getpid()}) + "\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "18081")))
    server = http.server.ThreadingHTTPServer(address, Handler)
    print(f"listening on http://{address[0]}:{address[1]}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
