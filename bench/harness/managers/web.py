# SPDX-License-Identifier: Apache-2.0
"""A web server under pmd, in each way that pmd lets processes share a port, and under PM2's cluster."""

import json
import os
import shutil

from .pm2 import Pm2, Rpc
from .pmd import Pmd

APP = "web"


def not_built(*paths):
    return next((f"not built: {path}" for path in paths if not os.path.exists(path)), None)


class PmdWeb(Pmd):
    family = "pmd"
    server = "plain.js"
    settings = {}
    restarts_by = "pmctl daemon upgrade"

    @classmethod
    def missing(cls, tools):
        if shutil.which("node") is None:
            return "node is not installed"
        script = os.path.join(tools.build, "node", "pmd-drain.cjs")  # without it pmd runs too, but kept connections are lost
        return super().missing(tools) or not_built(script, tools.native("http-load"))

    def serve_argv(self, workers, port):
        app = {"name": APP, "script": self.tools.server(self.server), "instances": workers, "env": {"PORT": str(port)}, **self.settings}
        with open(self.path("web.json"), "w", encoding="utf-8") as file:
            json.dump({"apps": [app]}, file, indent=1)
        return [self.ctl(self.tools), "start", self.path("web.json")]

    def workers(self):
        rows = json.loads(self.command([self.ctl(self.tools), "list", "--json"]).check().text())
        return [row["pid"] for row in rows if row["pid"]]

    def restart_argv(self):
        return [self.ctl(self.tools), "daemon", "upgrade"]


class PmdHeld(PmdWeb):
    name = "pmd held"
    server = "careful.js"
    settings = {"cluster": "none", "ready": "ipc", "drain": False}  # it ends its connections by itself

    def serve_argv(self, workers, port):
        self.settings = {**self.settings, "listen": f"127.0.0.1:{port}"}
        return super().serve_argv(workers, port)


class PmdShared(PmdWeb):
    name = "pmd shared"
    settings = {"balance": "shared"}


class PmdRoundRobin(PmdWeb):
    name = "pmd round-robin"
    settings = {"cluster": "round-robin"}


class Pm2Web(Pm2):
    family = "PM2"
    restarts_by = "pm2 update"

    @classmethod
    def missing(cls, tools):
        return super().missing(tools) or not_built(tools.native("http-load"))

    def serve_argv(self, workers, port):
        app = {"name": APP, "script": self.tools.server("careful.js"), "exec_mode": "cluster", "instances": workers, "wait_ready": True,
               "env": {"PORT": str(port)}}
        with open(self.path("web.json"), "w", encoding="utf-8") as file:
            json.dump({"apps": [app]}, file)
        return self.ctl("start", self.path("web.json"))

    def workers(self):
        client = Rpc(self.socket)  # of whichever daemon serves now
        try:
            return [row["pid"] for row in client.call("getMonitorData", {})[0] if row["pid"]]
        finally:
            client.close()

    def restart_argv(self):
        return self.ctl("update")
