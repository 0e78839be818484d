# SPDX-License-Identifier: Apache-2.0
"""supervisord with a configuration, socket and log directory of its own."""

import http.client
import os
import shutil
import socket
import subprocess
import time
import xmlrpc.client

from ..procs import Command
from .base import Manager, poll_ms

CONFIGURATION = """[supervisord]
logfile={0}/supervisord.log
pidfile={0}/supervisord.pid
childlogdir={0}
identifier=bench
minfds=8192
minprocs=200
[unix_http_server]
file={0}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{0}/supervisor.sock
[include]
files={0}/programs.ini
"""

PROGRAM = """[program:{name}]
command={command}
autostart=true
autorestart=true
startsecs=0
startretries=1000000
stopsignal=TERM
stopwaitsecs={seconds}
"""


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self._path = path

    def make_connection(self, host):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(self._path)
        return connection


class Supervisord(Manager):
    name = "supervisord"

    def __init__(self, tools, directory, board):
        super().__init__(tools, directory, board)
        self.configuration = self.path("supervisord.conf")
        self.socket = self.path("supervisor.sock")
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(directory))
        self.apps = {}
        self.write([])

    @classmethod
    def missing(cls, tools):
        return None if shutil.which("supervisord") else "supervisord is not installed: apt install supervisor"

    @classmethod
    def version(cls, tools):
        done = subprocess.run(["supervisord", "--version"], capture_output=True, text=True, check=True)
        python = subprocess.run(["python3", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        return done.stdout.strip() + ", python " + python

    def write(self, apps):
        """All apps so far: what is not in the file any more would be removed."""
        self.apps.update((app.name, app) for app in apps)
        with open(self.path("programs.ini"), "w", encoding="utf-8") as file:
            for app in self.apps.values():
                command = " ".join([self.tools.fixture, *self.app_argv(app)])
                file.write(PROGRAM.format(name=app.name, command=command, seconds=-(-app.kill_timeout_ms // 1000)))

    def api(self):
        return xmlrpc.client.ServerProxy("http://localhost", transport=UnixTransport(self.socket)).supervisor

    def answers(self):
        try:
            return bool(self.api().getState())
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def boot(self):
        daemon = Command(["supervisord", "-n", "-c", self.configuration], self.environment, self.path("output"))
        self.pid = daemon.pid
        return {"exec -> API answers": poll_ms(self.answers, daemon.begin_ns, "supervisord")}

    def ctl(self, *argv):
        return ["supervisorctl", "-c", self.configuration, *argv]

    def start_argv(self, apps):
        self.write(apps)
        return self.ctl("update")

    def cold_argv(self, apps):
        self.write(apps)
        return ["supervisord", "-c", self.configuration]

    def api_start(self, apps):
        self.write(apps)
        api = self.api()
        begin = time.monotonic_ns()
        api.reloadConfig()
        for app in apps:
            api.addProcessGroup(app.name)
        return begin, time.monotonic_ns()

    def list_argv(self, form):
        return self.ctl("status") if form == "text" else None

    def api_list(self, count):
        api, times = self.api(), []
        for _ in range(count + 1):
            begin = time.monotonic_ns()
            api.getAllProcessInfo()
            times.append(time.monotonic_ns() - begin)
        return times[1:]

    def operate_argv(self, verb, name):
        return self.ctl(verb, name)

    def api_restart(self, name):
        api = self.api()
        begin = time.monotonic_ns()
        api.stopProcess(name)
        api.startProcess(name)
        return begin, time.monotonic_ns()
