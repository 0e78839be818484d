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

# The container asked for a reboot: systemd-nspawn(1), --keep-unit.
STATUS_REBOOT = 133
BOOT_SECONDS = 90


def why_not():
    """What keeps this machine from booting a container; None when nothing does."""
    if os.geteuid() != 0:
        return "systemd-nspawn needs root"
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
    return (root / "cgroup.controllers").read_text(encoding="utf-8").split() if root else []


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
        environment = dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1", NOTIFY_SOCKET=self.notices.name + "/notify")
        # A control group of its own, entered before exec: --keep-unit takes the one it is started in.
        enter = f'echo $$ >"{self.cgroup}/cgroup.procs" && exec "$@"'
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory", layer.root, "--machine", name,
                   "--private-network", "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=read-only",
                   "--notify-ready=yes", *options]
        self.process = subprocess.Popen(["sh", "-c", enter, "sh", *command], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=console, stderr=subprocess.STDOUT)

    def wait_until_booted(self):
        """Returns the process id of its systemd. Raises TimeoutError."""
        self.told.settimeout(BOOT_SECONDS)
        ready = False
        while not ready:
            for line in self.told.recv(4096).decode().splitlines():
                key, _, value = line.partition("=")
                if key == "X_NSPAWN_LEADER_PID":
                    self.leader = int(value)
                ready = ready or line == "READY=1"
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
