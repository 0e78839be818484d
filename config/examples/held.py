# SPDX-License-Identifier: Apache-2.0
"""A web server on a socket that pmd holds (key listen), found by its name as sd_listen_fds_with_names(3) finds it."""

import http.server
import json
import os
import signal
import socket
import sys
import threading

FIRST = 3


def held(name):
    """The socket of that name; None when pmd gave none."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    return socket.socket(fileno=FIRST + names.index(name)) if name in names else None


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"app": os.environ.get("PM_NAME"), "pid": os.getpid()}) + "\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # the end waits for the requests that are being answered


def main():
    server = Server(("127.0.0.1", 18083), Handler, bind_and_activate=False)
    mine = held("http")
    if mine is not None:
        server.socket.close()
        server.socket = mine
    else:
        server.server_bind()
        server.server_activate()
    # Takes no more connections, ends those it has: what comes meanwhile waits for the next process.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print("listening", flush=True)
    server.serve_forever()
    server.server_close()
    sys.exit(0)


if __name__ == "__main__":
    main()
