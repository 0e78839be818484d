# SPDX-License-Identifier: Apache-2.0
"""pmd with the direct launcher on its embedded bus."""

import json
import os
import signal
import subprocess

from ..procs import MS, children_of, read, wait_gone
from .base import Manager


class Pmd(Manager):
    name = "pmd"

    def __init__(self, tools, directory, board):
        super().__init__(tools, directory, board)
        self.environment.update(PMD_RUNTIME_DIR=self.path("run"), PMD_STATE_DIR=self.path("state"),
                                PMD_EXEC=self.helper(tools))
        self.socket = self.path("run", "bus")

    @staticmethod
    def daemon(tools):
        return os.path.join(tools.build, "src/daemon/pmd")

    @staticmethod
    def helper(tools):
        return os.path.join(tools.build, "src/launch/pm-exec")

    @staticmethod
    def ctl(tools):
        return os.path.join(tools.build, "src/cli/pmctl")

    @classmethod
    def missing(cls, tools):
        for path in (cls.daemon(tools), cls.ctl(tools), cls.helper(tools), tools.native("dbus-probe")):
            if not os.access(path, os.X_OK):
                return f"not built: {path}"
        return None

    @classmethod
    def version(cls, tools):
        done = subprocess.run([cls.daemon(tools), "--version"], capture_output=True, text=True, check=False)
        return done.stdout.strip().split("\n")[0] or "unknown"

    def probe(self, *argv):
        done = self.command([self.tools.native("dbus-probe"), *argv]).check()
        # pmd, started by the probe, logs to the same file.
        return json.loads(next(line for line in done.text().splitlines() if line.startswith('{"')))

    def boot(self):
        times = self.probe("boot", self.socket, self.daemon(self.tools), "--bus", "embedded")
        self.pid = times["pid"]
        for child in children_of(self.pid):
            self.companions[read(f"/proc/{child}/comm").strip()] = child
        return {"exec -> API answers": (times["api"] - times["exec"]) / MS,
                "exec -> bus listens": (times["socket"] - times["exec"]) / MS,
                "exec -> bus name owned": (times["name"] - times["exec"]) / MS}

    def write(self, apps):
        entries = [{"name": app.name, "script": self.tools.fixture, "args": self.app_argv(app), "interpreter": "none",
                    "kill_timeout": app.kill_timeout_ms, "max_restarts": 1000000} for app in apps]
        with open(self.path("apps.json"), "w", encoding="utf-8") as file:
            json.dump({"apps": entries}, file, indent=1)
        return self.path("apps.json")

    def start_argv(self, apps):
        return [self.ctl(self.tools), "start", self.write(apps)]

    def api_start(self, apps):
        times = self.probe("load", self.socket, self.write(apps))
        return times["begin"], times["end"]

    def list_argv(self, form):
        return [self.ctl(self.tools), "list"] + (["--json"] if form == "json" else [])

    def api_list(self, count):
        return self.probe("list", self.socket, str(count))["ns"]

    def operate_argv(self, verb, name):
        return [self.ctl(self.tools), verb, name]

    def api_restart(self, name):
        times = self.probe("restart", self.socket, name)
        return times["begin"], times["end"]

    def shutdown(self):
        """SIGTERM, so that its cgroups are removed."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)
            wait_gone(self.pid, 20)
