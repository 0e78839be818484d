# SPDX-License-Identifier: Apache-2.0
"""Processes: timed commands, what /proc says of a daemon, and a clean end whatever happens."""

import contextlib
import ctypes
import os
import select
import signal
import time

PR_SET_CHILD_SUBREAPER = 36
MS = 1e6


def become_subreaper():
    """Daemons that detach come back to this process, so none can be left behind."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextlib.contextmanager
def uninterrupted():
    """Ctrl-C and SIGTERM wait until the cleaning up is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class CommandFailed(Exception):
    pass


class Command:
    """A command started without a shell or a pipe: its output goes to a file, its end is told by a pidfd."""

    def __init__(self, argv, environment, output):
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                   (os.POSIX_SPAWN_DUP2, 1, 2)]
        self.argv, self.output = argv, output
        self.begin_ns = time.monotonic_ns()
        self.pid = os.posix_spawnp(argv[0], argv, environment, file_actions=actions)
        self.end_ns = None
        self.status = None

    def wait(self, timeout=180.0):
        pidfd = os.pidfd_open(self.pid)
        try:
            if not select.select([pidfd], [], [], timeout)[0]:
                os.kill(self.pid, signal.SIGKILL)
                raise CommandFailed(f"no end within {timeout:.0f} s: {' '.join(self.argv)}")
        finally:
            self.end_ns = time.monotonic_ns()
            os.close(pidfd)
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self

    def check(self, timeout=180.0):
        self.wait(timeout)
        if self.status != 0:
            raise CommandFailed(f"status {self.status}: {' '.join(self.argv)}: {self.text()[-600:]}")
        return self

    def text(self):
        with open(self.output, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def ms(self):
        return (self.end_ns - self.begin_ns) / MS


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def memory_kb(pid):
    """PSS and RSS in KiB, as the kernel accounts them."""
    values = {}
    for line in read(f"/proc/{pid}/smaps_rollup").splitlines()[1:]:
        key, value = line.split(":", 1)
        values[key] = int(value.split()[0])
    return {"pss_kb": values["Pss"], "rss_kb": values["Rss"], "private_dirty_kb": values["Private_Dirty"]}


def activity(pid):
    """How often the process was scheduled in after sleeping, and its CPU time in ns, all threads."""
    wakeups = cpu_ns = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        for line in read(f"/proc/{pid}/task/{thread}/status").splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                wakeups += int(line.split()[1])
        cpu_ns += int(read(f"/proc/{pid}/task/{thread}/schedstat").split()[0])
    return wakeups, cpu_ns


def alive(pid):
    try:
        return read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def parents():
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                table[int(name)] = int(read(f"/proc/{name}/stat").rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                pass
    return table


def descendants():
    """Everything that came from this process, nearest first."""
    table, found, edge = parents(), [], {os.getpid()}
    while edge:
        edge = {pid for pid, parent in table.items() if parent in edge}
        found += sorted(edge)
    return found


def children_of(pid):
    return sorted(child for child, parent in parents().items() if parent == pid)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def kill_descendants(limit=10.0):
    """SIGKILL to all descendants until there are none. Returns how many were found first."""
    deadline, first = time.monotonic() + limit, None
    while True:
        reap()
        left = [pid for pid in descendants() if alive(pid)]
        first = len(left) if first is None else first
        if not left:
            return first
        if time.monotonic() > deadline:
            raise CommandFailed(f"processes that do not die: {left}")
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.005)


def wait_gone(pid, timeout=60.0):
    """True when the process has ended within the time."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        gone = bool(select.select([pidfd], [], [], timeout)[0])
    finally:
        os.close(pidfd)
    reap()
    return gone
