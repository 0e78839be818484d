# SPDX-License-Identifier: Apache-2.0
"""A booted container (systemd-nspawn): systemd as process 1, the kernel of this machine. Starts in a second or two.

On a machine with the hybrid hierarchy its control groups have no controllers (they are in version 1): see controllers().
"""

import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

# The container asked for a reboot: systemd-nspawn(1), --keep-unit.
STATUS_REBOOT = 133
BOOT_SECONDS = 90
# What pmd does there, and a container may not unless told (its root has the capability for it).
FILTER = "--system-call-filter=pidfd_getfd"


def why_not():
    """What keeps root from booting a container here; None when nothing does."""
    if not shutil.which("systemd-nspawn"):
        return "systemd-nspawn is not installed (package systemd-container)"
    if cgroup_root() is None:
        return "no cgroup2 file system is mounted, or it is read-only"
    return None


def cgroup_root():
    """Where version 2 of control groups is mounted and may be written to, or None."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields, _, kind = line.partition(" - ")
        path = fields.split()[4]
        if kind.split()[0] == "cgroup2" and os.access(path, os.W_OK):
            return pathlib.Path(path)
    return None


def controllers():
    """Those that a container's units can be limited with."""
    root = cgroup_root()
    return (root / "cgroup.subtree_control").read_text(encoding="utf-8").split() if root else []


class Container:
    """Boots `layer`. What is on its console goes to the file `console`. `options` are for systemd-nspawn and, after --boot,
    for the container's systemd."""

    def __init__(self, layer, name, console, options=("--boot",)):
        self.cgroup = cgroup_root() / name
        self.cgroup.mkdir(exist_ok=True)
        self.notices = tempfile.TemporaryDirectory(prefix="pmd-nspawn-")
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(self.notices.name + "/notify")
        self.leader = None
        self.booted = threading.Event()
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        environment = dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1", NOTIFY_SOCKET=self.notices.name + "/notify")
        # A control group of its own, entered before exec: --keep-unit takes the one it is started in.
        enter = f'echo $$ >"{self.cgroup}/cgroup.procs" && exec "$@"'
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory", layer.root, "--machine", name,
                   "--private-network", "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=read-only",
                   "--notify-ready=yes", FILTER, *options]
        self.process = subprocess.Popen(["sh", "-c", enter, "sh", *command], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=console, stderr=subprocess.STDOUT)

    def listen(self):
        """Reads what the container's systemd tells, as long as it runs: it would wait for room in a full socket, and hang."""
        while message := self.told.recv(4096):
            for line in message.decode(errors="replace").splitlines():
                key, _, value = line.partition("=")
                if key == "X_NSPAWN_LEADER_PID":
                    self.leader = int(value)
                if line == "READY=1":
                    self.booted.set()

    def wait_until_booted(self):
        """Returns the process id of its systemd. Raises TimeoutError."""
        if not self.booted.wait(BOOT_SECONDS):
            raise TimeoutError("the container did not boot")
        return self.leader

    def wait(self, seconds):
        """Until it ends: "poweroff", or "reboot", which takes a new Container. Raises subprocess.TimeoutExpired."""
        return "reboot" if self.process.wait(timeout=seconds) == STATUS_REBOOT else "poweroff"

    def close(self):
        """Ends it, whatever it does, and removes its control groups."""
        (self.cgroup / "cgroup.kill").write_text("1", encoding="ascii")
        self.process.wait()
        wait_until_empty(self.cgroup)
        for group in (*sorted(self.cgroup.rglob("*/"), reverse=True), self.cgroup):
            group.rmdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.notices.name + "/notify")  # an empty message ends listen()
        self.listener.join()
        self.told.close()
        self.notices.cleanup()


def wait_until_empty(cgroup):
    """The kernel takes a moment to let go of what was killed, and tells by an event of this file."""
    with open(cgroup / "cgroup.events", "rb", buffering=0) as events:
        watch = select.poll()
        watch.register(events, select.POLLPRI)
        while b"populated 0" not in events.read():
            watch.poll(5000)
            events.seek(0)


def enter(leader, command):
    """The command line that runs `command` in a container, as a unit of it."""
    how = "--pty" if sys.stdin.isatty() and sys.stdout.isatty() else "--pipe"
    unit = ["systemd-run", "--quiet", "--wait", "--collect", how, "--working-directory=/root", "--setenv=HOME=/root", "--"]
    return ["nsenter", "--target", str(leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", *unit, *command]
