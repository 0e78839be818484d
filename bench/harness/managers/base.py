# SPDX-License-Identifier: Apache-2.0
"""What the scenarios need of a manager. Absent abilities are None: the row then says '-'."""

import dataclasses
import os
import time

from ..procs import MS, Command


@dataclasses.dataclass(frozen=True)
class App:
    """One bench-app; `mode` is how it takes SIGTERM (native/bench_app.cpp)."""
    name: str
    mode: str = "now"
    kill_timeout_ms: int = 1600


@dataclasses.dataclass(frozen=True)
class Tools:
    """Where the programs are."""
    build: str
    bench: str

    def native(self, name):
        return os.path.join(self.build, "bench", name)

    def server(self, name):
        return os.path.join(self.bench, "servers", name)

    @property
    def fixture(self):
        return self.native("bench-app")


class Manager:
    name = "?"
    has_cli = True
    has_api = True

    def __init__(self, tools, directory, board):
        self.tools, self.directory, self.board = tools, directory, board
        self.pid = None
        self.companions = {}
        self.environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": directory, "LANG": "C.UTF-8"}
        self._outputs = 0

    # -- what a manager must tell ----------------------------------------------------------------------------------
    @classmethod
    def missing(cls, tools):
        """Why it cannot be measured here, or None."""
        raise NotImplementedError

    @classmethod
    def version(cls, tools):
        raise NotImplementedError

    def boot(self):
        """Starts the daemon; returns {metric: ms} of B1."""
        raise NotImplementedError

    def start_argv(self, apps):
        """The command that starts `apps` (and, for cold_argv, the daemon too)."""
        raise NotImplementedError

    def cold_argv(self, apps):
        return self.start_argv(apps)

    def ping_argv(self):
        """The command that starts the daemon, if there is none, and asks whether it lives; None: there is no such."""
        return None

    def api_start(self, apps):
        """Starts `apps` by one API client; returns (begin_ns, end_ns)."""
        raise NotImplementedError

    def list_argv(self, form):
        """The list command, form 'text' or 'json'; None when there is no such form."""
        raise NotImplementedError

    def api_list(self, count):
        """The times in ns of `count` list calls of one client."""
        raise NotImplementedError

    def operate_argv(self, verb, name):
        """The command for 'restart' or 'stop' of an app."""
        raise NotImplementedError

    def api_restart(self, name):
        """(begin_ns, end_ns) of a restart by API."""
        raise NotImplementedError

    def shutdown(self):
        """Ends in good order what SIGKILL would leave traces of."""

    # -- help for them ---------------------------------------------------------------------------------------------
    def command(self, argv):
        self._outputs += 1
        return Command(argv, self.environment, os.path.join(self.directory, f"out-{self._outputs}"))

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def app_argv(self, app):
        return [self.board.path, app.name, app.mode]


def poll_ms(attempt, begin_ns, what, limit=30.0):
    """Tries every 0.5 ms; returns the time from begin_ns to success in ms."""
    while not attempt():
        if time.monotonic_ns() - begin_ns > limit * 1e9:
            raise TimeoutError(f"{what}: no answer within {limit:.0f} s")
        time.sleep(0.0005)
    return (time.monotonic_ns() - begin_ns) / MS
