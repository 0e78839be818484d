# SPDX-License-Identifier: Apache-2.0
"""B7: a Node web server in several processes under load: what is answered, and what is lost while they are replaced."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time

from .managers import Pm2, Pmd
from .procs import MS

KINDS = ("refused", "reset", "closed", "cut", "hung", "wrong")
CLIENTS = 32
RELOADS = 15


class Load:
    """native/http_load.cpp beside whatever happens; phase() gives what was counted since the one before."""

    def __init__(self, tools, port, new, kept):
        self._process = subprocess.Popen([tools.native("http-load"), str(port), str(new), str(kept)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def phase(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def lost(counts):
    return sum(counts[kind] for kind in KINDS)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port, limit=30.0):
    until = time.monotonic() + limit
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


class PmdShared(Pmd):
    """Node's cluster protocol, one socket: what pmd does with a plain Node program."""
    way = {"cluster": "shared"}

    def serve_argv(self, script, port, workers):
        app = {"name": "web", "script": script, "instances": workers, "wait_ready": True, "max_restarts": 1000000, "env": {"PORT": str(port)},
               **self.keys(port)}
        with open(self.path("web.json"), "w", encoding="utf-8") as file:
            json.dump({"apps": [app]}, file)
        return [self.ctl(self.tools), "start", self.path("web.json")]

    def keys(self, _port):
        return self.way

    def pids(self):
        rows = json.loads(self.command([self.ctl(self.tools), "list", "--json"]).check().text())
        return [row["pid"] for row in rows if row["status"] == "online"]

    def replace_argv(self):
        return [self.ctl(self.tools), "daemon", "upgrade"]


class PmdTurns(PmdShared):
    name = "pmd round-robin"
    way = {"cluster": "round-robin"}


class PmdHeld(PmdShared):
    name = "pmd held"

    def keys(self, port):
        return {"listen": f"127.0.0.1:{port}"}


class Pm2Cluster(Pm2):
    def serve_argv(self, script, port, workers):
        app = {"name": "web", "script": script, "instances": workers, "exec_mode": "cluster", "wait_ready": True, "listen_timeout": 8000,
               "max_restarts": 1000000, "env": {"PORT": str(port)}}
        with open(self.path("web.json"), "w", encoding="utf-8") as file:
            json.dump({"apps": [app]}, file)
        return self.ctl("start", self.path("web.json"))

    def pids(self):
        rows = json.loads(self.command(self.list_argv("json")).check().text().splitlines()[-1])
        return [row["pid"] for row in rows if row["pm2_env"]["status"] == "online"]

    def replace_argv(self):
        return self.ctl("update")


WAYS = {Pmd: (PmdShared, PmdHeld, PmdTurns), Pm2: (Pm2Cluster,)}


def ways(kinds):
    return [way for kind in kinds for way in WAYS.get(kind, ())]


class Serving:
    """Sessions of B7; `bench` is a scenarios.Bench."""

    def __init__(self, bench, workers, seconds):
        self.bench, self.workers, self.seconds = bench, workers, seconds

    def run(self, kind):
        port = free_port()
        with self.bench.manager(kind) as m:
            m.boot()
            script = os.path.join(self.bench.tools.bench, "harness", "hey.js")
            m.command(m.serve_argv(script, port, self.workers)).check()
            await_port(port)
            self.throughput(m, port)
            self.disturbed(m, port)

    def add(self, metric, m, *values):
        self.bench.add("B7 serving", f"{self.workers} workers: {metric}", m, *values)

    def throughput(self, m, port):
        for sort, new, kept in (("new", CLIENTS, 0), ("kept", 0, CLIENTS)):
            with Load(self.bench.tools, port, new, kept) as load:
                time.sleep(0.5)  # warm, and all connected
                load.phase()
                time.sleep(self.seconds)
                told = load.phase()
            self.add(f"{sort} connections, answers a second", m, told[sort]["answered"] / told["seconds"])
            self.add(f"{sort} connections, p99 [ms]", m, told[sort]["p99_ms"])

    def disturbed(self, m, port):
        with Load(self.bench.tools, port, CLIENTS, CLIENTS) as load:
            time.sleep(0.5)
            self.tell(m, "before", load.phase(), times=False)
            for _ in range(RELOADS):
                self.add("a reload takes [s]", m, m.command(m.operate_argv("reload", "web")).check().ms / 1000)
            self.tell(m, f"{RELOADS} reloads", load.phase())
            self.kill_one(m)
            self.tell(m, "kill -9 of a worker", load.phase())
            begin = time.monotonic_ns()
            m.command(m.replace_argv()).check()
            self.add("the manager is replaced by the one installed [s]", m, (time.monotonic_ns() - begin) / MS / 1000)
            time.sleep(1)
            self.tell(m, "manager replaced", load.phase())

    def tell(self, m, what, told, times=True):
        for sort in ("new", "kept"):
            self.add(f"{what}: lost, {sort} connections", m, lost(told[sort]))
            for kind in KINDS:
                if told[sort][kind]:
                    self.add(f"{what}: lost, {sort} connections, {kind}", m, told[sort][kind])
            if times:
                self.add(f"{what}: p99, {sort} connections [ms]", m, told[sort]["p99_ms"])
                self.add(f"{what}: longest, {sort} connections [ms]", m, told[sort]["max_ms"])

    def kill_one(self, m):
        """Returns when another one is there in its place."""
        before = m.pids()
        os.kill(before[0], signal.SIGKILL)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            now = m.pids()
            if len(now) == self.workers and before[0] not in now:
                return
            time.sleep(0.05)
        raise TimeoutError("a worker that was killed was not replaced")
