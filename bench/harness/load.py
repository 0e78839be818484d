# SPDX-License-Identifier: Apache-2.0
"""The clients of the web server (native/http_load.cpp), and the figures that are told of what they saw."""

import json
import subprocess

from .procs import CommandFailed

BODY = "hey"  # what servers/*.js answer
LOSSES = ("refused", "reset", "closed", "cut", "timeout", "wrong")
CLIENTS = ("short", "kept")
MS = 1e3  # of microseconds
NS = 1e6


class Load:
    """Clients at work; a context. `report` is there when it has ended without a fault."""

    def __init__(self, tools, port, short, kept, timeout_ms=5000):
        argv = [tools.native("http-load"), str(port), str(short), str(kept), BODY, str(timeout_ms)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.report = None

    def __enter__(self):
        """Returns when each client has had its first answer or loss."""
        self._line(self._process.stdout.readline())
        return self

    def __exit__(self, kind, _fault, _trace):
        out, err = self._process.communicate()  # the end of its input ends it
        if kind is None:
            self.report = self._line(out, err)

    def _line(self, text, err=""):
        if not text:
            raise CommandFailed(f"http-load: {err or self._process.stderr.read()}")
        return json.loads(text)


def lost(report, clients=CLIENTS):
    return sum(sum(report[name]["lost"].values()) for name in clients)


def figures(report):
    """(what, value) of each sort of clients that took part; losses of each kind by themselves too."""
    for name in CLIENTS:
        seen = report[name]
        if not seen["answered"] and not lost(report, [name]):
            continue
        yield f"{name}: answered", seen["answered"]
        yield f"{name}: lost", lost(report, [name])
        for kind in LOSSES:
            yield f"{name}: lost: {kind}", seen["lost"][kind]
        yield f"{name}: p99 [ms]", seen["p99_us"] / MS
        yield f"{name}: longest without an answer [ms]", seen["gap_us"] / MS


def rate(report):
    """Answers a second, of all clients."""
    return sum(report[name]["answered"] for name in CLIENTS) / report["seconds"]


def told(report, steps):
    """Losses one by one; when each was sent and lost is told from the last of `steps` [(ns, what)] before that."""
    def place(ns):
        begun = [(when, what) for when, what in steps if when <= ns]
        return f"{(ns - begun[-1][0]) / NS:.1f} ms after {begun[-1][1]}" if begun else "before"
    for loss in report["losses"]:
        yield {"clients": loss["clients"], "kind": loss["kind"], "request": loss["number"], "sent": place(loss["sent_ns"]),
               "lost": place(loss["lost_ns"])}
