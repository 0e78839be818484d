# SPDX-License-Identifier: Apache-2.0
"""PM2 as `npm install` in bench/ gave it, with a PM2_HOME of its own."""

import json
import os
import shutil
import socket
import struct
import subprocess
import time

from ..procs import Command
from .base import Manager, poll_ms


class Rpc:
    """One client of the daemon's socket: length-prefixed arguments, the call as JSON."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._serial = 0

    def call(self, method, argument):
        self._serial += 1
        request = json.dumps({"type": "call", "method": method, "args": [argument]})
        parts = [b"j:" + request.encode(), f"i:bench:{self._serial}".encode()]
        self._socket.sendall(b"\x12" + b"".join(struct.pack(">I", len(part)) + part for part in parts))
        reply = [self._part() for _ in range(self._exactly(1)[0] & 15)]
        answer = json.loads(reply[0][2:])
        if answer.get("error"):
            raise RuntimeError(f"PM2: {method}: {answer['error']}")
        return answer.get("args")

    def _part(self):
        return self._exactly(struct.unpack(">I", self._exactly(4))[0])

    def _exactly(self, size):
        data = bytearray()
        while len(data) < size:
            chunk = self._socket.recv(size - len(data))
            if not chunk:
                raise ConnectionError("PM2 closed the connection")
            data += chunk
        return bytes(data)

    def close(self):
        self._socket.close()


class Pm2(Manager):
    name = "PM2"

    def __init__(self, tools, directory, board):
        super().__init__(tools, directory, board)
        self.home = self.path("pm2")
        os.mkdir(self.home)
        open(os.path.join(self.home, "touch"), "w", encoding="utf-8").close()  # no banner of the first run
        self.environment.update(PM2_HOME=self.home, PM2_NO_INTERACTION="true", PM2_DISABLE_VERSION_CHECK="true")
        self.socket = os.path.join(self.home, "rpc.sock")
        self._rpc = None

    @staticmethod
    def package(tools, *parts):
        return os.path.join(tools.bench, "node_modules", "pm2", *parts)

    @classmethod
    def missing(cls, tools):
        if shutil.which("node") is None:
            return "node is not installed"
        if not os.path.exists(cls.package(tools, "package.json")):
            return "PM2 is not installed: npm install in bench/"
        return None

    @classmethod
    def version(cls, tools):
        with open(cls.package(tools, "package.json"), encoding="utf-8") as file:
            node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
            return json.load(file)["version"] + ", node " + node

    def answers(self):
        try:
            self._rpc = Rpc(self.socket)
            self._rpc.call("ping", {})
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def boot(self):
        """The daemon alone, as PM2's own command line starts it, without the node of that command line."""
        argv = ["node", self.package(self.tools, "lib/Daemon.js")]
        daemon = Command(argv, self.environment | {"SILENT": "true"}, self.path("pm2.log"))
        self.pid = daemon.pid
        return {"exec -> API answers": poll_ms(self.answers, daemon.begin_ns, "PM2")}

    def ctl(self, *argv):
        return ["node", self.package(self.tools, "bin/pm2"), *argv]

    def ping_argv(self):
        return self.ctl("ping")

    def entries(self, apps):
        return [{"name": app.name, "script": self.tools.fixture, "args": self.app_argv(app), "interpreter": "none",
                 "exec_mode": "fork", "kill_timeout": app.kill_timeout_ms, "max_restarts": 1000000} for app in apps]

    def start_argv(self, apps):
        with open(self.path("ecosystem.json"), "w", encoding="utf-8") as file:
            json.dump({"apps": self.entries(apps)}, file)
        return self.ctl("start", self.path("ecosystem.json"))

    def api_start(self, apps):
        """PM2's own programmatic API, since what it sends the daemon is computed in the client."""
        with open(self.path("apps.json"), "w", encoding="utf-8") as file:
            json.dump(self.entries(apps), file)
        script = os.path.join(self.tools.bench, "harness", "pm2-start.js")
        done = self.command(["node", script, self.package(self.tools), self.path("apps.json")]).check()
        times = json.loads(done.text().splitlines()[-1])
        return int(times["begin"]), int(times["end"])

    def list_argv(self, form):
        return self.ctl("jlist" if form == "json" else "list")

    def api_list(self, count):
        times = []
        for _ in range(count + 1):
            begin = time.monotonic_ns()
            self._rpc.call("getMonitorData", {})
            times.append(time.monotonic_ns() - begin)
        return times[1:]

    def operate_argv(self, verb, name):
        return self.ctl(verb, name)

    def api_restart(self, name):
        ident = next(row["pm_id"] for row in self._rpc.call("getMonitorData", {})[0] if row["name"] == name)
        begin = time.monotonic_ns()
        self._rpc.call("restartProcessId", {"id": ident, "env": {}})
        return begin, time.monotonic_ns()

    def shutdown(self):
        if self._rpc is not None:
            self._rpc.close()
