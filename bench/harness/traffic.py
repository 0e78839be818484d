# SPDX-License-Identifier: Apache-2.0
"""B7: a web server under traffic, while nothing happens, through reloads, a killed worker and a restart of its manager."""

import contextlib
import os
import signal
import socket
import time

from . import load
from .managers.web import APP
from .procs import MS
from .scenarios import Bench

SHORT = KEPT = 32
AFTER = 1.0  # seconds in which what a disturbance brings about is counted to it
WORKERS = (2, 4)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class TrafficBench(Bench):
    """Sessions of B7; `losses` tells of single ones, in the order of their phases."""

    def __init__(self, plan, tools, samples):
        super().__init__(plan, tools, samples)
        self.losses = []

    def traffic(self, kind, workers):
        port = free_port()
        with self.manager(kind) as m:
            m.boot()
            m.command(m.serve_argv(workers, port)).check()
            time.sleep(AFTER)
            self.steady(m, workers, port)
            self.reloads(m, workers, port)
            self.kill(m, workers, port)
            self.restart(m, workers, port)

    def steady(self, m, workers, port):
        for name, short, kept in (("short", SHORT, 0), ("kept", 0, KEPT)):
            with load.Load(self.tools, port, short, kept) as clients:
                time.sleep(self.plan.steady)
            self.add("B7 steady", f"{workers} workers, {name}: answers a second", m, load.rate(clients.report))
            self.add("B7 steady", f"{workers} workers, {name}: p99 [ms]", m, clients.report[name]["p99_us"] / load.MS)
            self.lost("steady", m, workers, clients.report, [])
        with self.phase("steady, both", m, workers, port):
            time.sleep(self.plan.steady)

    def reloads(self, m, workers, port):
        with self.phase("reloads", m, workers, port) as steps:
            for number in range(self.plan.reloads):
                command = m.command(m.operate_argv("reload", APP))
                steps.append((command.begin_ns, f"reload {number + 1}"))
                self.add("B7 reloads", f"{workers} workers: a reload [s]", m, command.check().ms / 1000)
                steps.append((command.end_ns, f"the end of reload {number + 1}"))
            time.sleep(AFTER)

    def kill(self, m, workers, port):
        with self.phase("kill -9 of a worker", m, workers, port) as steps:
            worker = min(m.workers())
            steps.append((time.monotonic_ns(), f"kill of {worker}"))
            os.kill(worker, signal.SIGKILL)
            time.sleep(AFTER)
            self.wait_replaced(m, workers, worker)

    @staticmethod
    def wait_replaced(m, workers, worker):
        deadline = time.monotonic() + 20
        while len(set(m.workers()) - {worker}) != workers:
            if time.monotonic() > deadline:
                raise RuntimeError("the killed worker was not replaced within 20 s")
            time.sleep(AFTER / 4)

    def restart(self, m, workers, port):
        what, before = "restart of the manager", set(m.workers())
        with self.phase(what, m, workers, port) as steps:
            command = m.command(m.restart_argv())
            steps.append((command.begin_ns, m.restarts_by))
            self.add(f"B7 {what}", f"{workers} workers: the command [s]", m, command.check().ms / 1000)
            steps.append((command.end_ns, "the end of " + m.restarts_by))
            time.sleep(AFTER)
        self.add(f"B7 {what}", f"{workers} workers: workers that it ended", m, len(before - set(m.workers())))

    @contextlib.contextmanager
    def phase(self, what, m, workers, port):
        """Both sorts of clients at work meanwhile. Gives a list for [(ns, what)]: what has been done to the workers."""
        steps = []
        with load.Load(self.tools, port, SHORT, KEPT) as clients:
            yield steps
        for figure, value in load.figures(clients.report):
            self.add(f"B7 {what}", f"{workers} workers, {figure}", m, value)
        self.lost(what, m, workers, clients.report, steps)

    def lost(self, what, m, workers, report, steps):
        self.add("B7 lost", what, m, load.lost(report))
        self.losses += ({"phase": what, "manager": m.name, "workers": workers, **loss} for loss in load.told(report, steps))


def rounds(plan, kinds):
    """The sessions in their order, as scenarios.rounds()."""
    for _ in range(plan.traffic_trials):
        for workers in WORKERS:
            yield from ((kind, "traffic", (kind, workers)) for kind in kinds)
