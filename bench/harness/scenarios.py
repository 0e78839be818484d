# SPDX-License-Identifier: Apache-2.0
"""What is measured, in sessions: each a fresh daemon in a fresh directory, ended without a trace."""

import contextlib
import dataclasses
import os
import shutil
import signal
import tempfile
import time

from .board import Board
from .managers import App
from .procs import MS, activity, kill_descendants, memory_kb, uninterrupted

QUIET = 0.15  # seconds between single operations, so that each meets a daemon at rest


@dataclasses.dataclass(frozen=True)
class Plan:
    trials: int = 6
    repeats: int = 4        # of a single operation within a session
    settle: float = 2.0     # before memory is read
    idle_window: float = 20.0
    idle_trials: int = 2
    huge_trials: int = 2    # sessions with 1000 apps
    huge_peers: bool = False
    traffic_trials: int = 3
    steady: float = 3.0     # seconds of traffic while nothing happens
    reloads: int = 15       # in a session


class Bench:
    """One plan on one set of tools; results go to `samples`."""

    def __init__(self, plan, tools, samples):
        self.plan, self.tools, self.samples = plan, tools, samples

    @contextlib.contextmanager
    def manager(self, kind):
        directory = tempfile.mkdtemp(prefix="pmd-bench-")
        board = Board(directory)
        manager = kind(self.tools, directory, board)
        try:
            yield manager
        finally:
            with uninterrupted():
                try:
                    manager.shutdown()
                finally:
                    kill_descendants()
                    board.close()
                    shutil.rmtree(directory, ignore_errors=True)

    def add(self, bench, metric, manager, *values):
        self.samples.add(bench, metric, manager.name, *values)

    # -- sessions --------------------------------------------------------------------------------------------------
    def cold(self, kind):
        """Nothing runs; one command, until the first app does."""
        with self.manager(kind) as m:
            begin = m.command(m.cold_argv([App("app-0")])).begin_ns
            m.board.wait_count(1)
            self.add("B1 boot", "nothing runs -> first app exec'd, by command [ms]", m,
                     (m.board.events()[0].when_ns - begin) / MS)
            time.sleep(QUIET)

    def ping(self, kind):
        """Nothing runs; the command that starts the daemon and hears from it."""
        with self.manager(kind) as m:
            if m.ping_argv() is not None:
                self.add("B1 boot", "nothing runs -> ping answered, by command [ms]", m, m.command(m.ping_argv()).check().ms)

    def single(self, kind, way):
        """One app: boot, memory of an empty daemon, start, list, restart, crash."""
        with self.manager(kind) as m:
            self.boot(m)
            if m.pid is not None:
                self.memory(m, 0)
            self.start(m, 1, way)
            time.sleep(QUIET)
            if m.pid is not None:
                self.lists(m, 1)
                self.memory(m, 1)
            self.crashes(m)
            if m.has_cli:
                self.operations(m)

    def many(self, kind, count, way, idle=False, crash=True):
        """`count` apps: start, list, memory, idle, all of them killed at once."""
        with self.manager(kind) as m:
            self.boot(m)
            if idle and m.pid is not None:
                time.sleep(self.plan.settle)
                self.idle(m, 0)
            self.start(m, count, way)
            if m.pid is not None:
                time.sleep(QUIET)
                self.lists(m, count)
                self.memory(m, count)
                if idle:
                    self.idle(m, count)
            if crash:
                self.crash_all(m, count)

    # -- parts -----------------------------------------------------------------------------------------------------
    def boot(self, m):
        for metric, value in m.boot().items():
            self.add("B1 boot", metric + " [ms]", m, value)

    def memory(self, m, count):
        time.sleep(self.plan.settle)
        for name, pid in {"daemon": m.pid, **m.companions}.items():
            for key, value in memory_kb(pid).items():
                if key != "private_dirty_kb":
                    self.add("B2 memory", f"{count} apps, {name} {key[:3].upper()} [MB]", m, value / 1024)

    def start(self, m, count, way):
        """The apps app-0 ... ; by 'cli' or 'api'. The floor has only its loop and is in both rows."""
        apps = [App(f"app-{index}") for index in range(count)]
        before = m.board.count
        if way == "cli" and m.has_cli:
            command = m.command(m.start_argv(apps)).check()
            begin, end = command.begin_ns, command.end_ns
        else:
            begin, end = m.api_start(apps)
        m.board.wait_count(before + count)
        last = max(event.when_ns for event in m.board.events(before))
        self.add("B3 start", f"{count}, {way}: submit returns [ms]", m, (end - begin) / MS)
        self.add("B3 start", f"{count}, {way}: all exec'd [ms]", m, (last - begin) / MS)

    def lists(self, m, count):
        self.add("B4 list", f"{count}, API [ms]", m, *(ns / MS for ns in m.api_list(20)))
        for form in ("text", "json"):
            for _ in range(self.plan.repeats if m.list_argv(form) else 0):
                self.add("B4 list", f"{count}, command, {form} [ms]", m, m.command(m.list_argv(form)).check().ms)

    def idle(self, m, count):
        window = self.plan.idle_window
        daemons = {"daemon": m.pid, **m.companions}
        before = {name: activity(pid) for name, pid in daemons.items()}
        time.sleep(window)
        for name, pid in daemons.items():
            wakeups, cpu_ns = activity(pid)
            minute = 60 / window
            self.add("Idle", f"{count} apps, {name}: wake-ups a minute", m, (wakeups - before[name][0]) * minute)
            self.add("Idle", f"{count} apps, {name}: CPU a minute [ms]", m, (cpu_ns - before[name][1]) / MS * minute)

    def crashes(self, m):
        for _ in range(self.plan.repeats + 1):
            time.sleep(QUIET)
            self.add("B6 crash", "1: SIGKILL -> replacement exec'd [ms]", m, self.crash(m, "app-0"))

    def crash(self, m, label):
        before = m.board.count
        pid = [event.pid for event in m.board.events() if event.label == label and event.kind == "S"][-1]
        begin = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        return (m.board.wait_event("S", label, before).when_ns - begin) / MS

    def crash_all(self, m, count):
        time.sleep(QUIET)
        before, pids = m.board.count, {event.pid for event in m.board.events() if event.kind == "S"}
        begin = time.monotonic_ns()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        m.board.wait_count(before + count)
        times = sorted((event.when_ns - begin) / MS for event in m.board.events(before))
        self.add("B6 crash", f"{count} at once: first replaced [ms]", m, times[0])
        self.add("B6 crash", f"{count} at once: last replaced [ms]", m, times[-1])

    def operations(self, m):
        """Restarts, and what an app that does not want to end does to the others."""
        before = m.board.count
        m.api_start([App("slow", "slow"), App("ignore", "ignore", 1000), App("stubborn", "ignore", 5000)])
        for label in ("slow", "ignore", "stubborn"):
            m.board.wait_event("R", label, before)
        for _ in range(self.plan.repeats):
            for label, what in (("app-0", "app that ends at once"), ("slow", "app that ends after 50 ms")):
                time.sleep(QUIET)
                self.restart_api(m, label, what)
                time.sleep(QUIET)
                self.restart_cli(m, label, what)
        self.beside_ignore(m)
        self.beside_stubborn(m)

    def restart_api(self, m, label, what):
        before = m.board.count
        begin, end = m.api_restart(label)
        started = m.board.wait_event("S", label, before).when_ns
        self.add("B5 restart", f"{what}, API: replacement exec'd [ms]", m, (started - begin) / MS)
        self.add("B5 restart", f"{what}, API: reply [ms]", m, (end - begin) / MS)

    def restart_cli(self, m, label, what):
        before = m.board.count
        command = m.command(m.operate_argv("restart", label)).check()
        started = m.board.wait_event("S", label, before).when_ns
        self.add("B5 restart", f"{what}, command: replacement exec'd [ms]", m, (started - command.begin_ns) / MS)
        self.add("B5 restart", f"{what}, command: returns [ms]", m, command.ms)

    def beside_ignore(self, m):
        """A restart that must wait for SIGKILL after 1 s, and another app's restart meanwhile."""
        time.sleep(QUIET)
        before = m.board.count
        command = m.command(m.operate_argv("restart", "ignore"))
        m.board.wait_event("T", "ignore", before)
        self.restart_api(m, "app-0", "beside an app that ignores SIGTERM")
        started = m.board.wait_event("S", "ignore", before).when_ns
        self.add("B5 restart", "app that ignores SIGTERM for 1 s, command: replacement exec'd [ms]", m,
                 (started - command.begin_ns) / MS)
        command.check()

    def beside_stubborn(self, m):
        """A crash while another app is in a stop of up to 5 s."""
        time.sleep(QUIET)
        before = m.board.count
        command = m.command(m.operate_argv("stop", "stubborn"))
        pid = m.board.wait_event("T", "stubborn", before).pid
        for _ in range(self.plan.repeats):
            time.sleep(QUIET)
            self.add("B6 crash", "1 during a 5 s stop: SIGKILL -> replacement exec'd [ms]", m, self.crash(m, "app-0"))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        command.wait()


def rounds(plan, kinds):
    """The sessions in their order: (title, name of the method, arguments), managers interleaved within each."""
    for trial in range(plan.trials):
        way = ("cli", "api")[trial % 2]
        yield from ((kind, "cold", (kind,)) for kind in kinds if kind.has_cli)
        yield from ((kind, "ping", (kind,)) for kind in kinds if kind.has_cli)
        yield from ((kind, "single", (kind, way)) for kind in kinds)
        yield from ((kind, "many", (kind, 25, way)) for kind in kinds)
        yield from ((kind, "many", (kind, 100, way, trial < plan.idle_trials)) for kind in kinds)
        if trial < plan.huge_trials:
            huge = [kind for kind in kinds if plan.huge_peers or kind.name in ("pmd", "floor")]
            yield from ((kind, "many", (kind, 1000, way, False, False)) for kind in huge)
