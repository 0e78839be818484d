# SPDX-License-Identifier: Apache-2.0
"""Where systemd makes the processes: pmd.service of this (booted) machine, and a bare loop of StartTransientUnit.

For run --systemd, in a container or machine of its own: every session restarts the machine's pmd."""

import subprocess

from .floor import Floor
from .pmd import Pmd


class PmdUnits(Pmd):
    name = "pmd-units"

    def __init__(self, tools, directory, board):
        super().__init__(tools, directory, board)
        for variable in ("PMD_RUNTIME_DIR", "PMD_STATE_DIR", "PMD_EXEC"):
            del self.environment[variable]
        self.environment["PMD_BUS"] = "system"
        self.socket = "/run/dbus/system_bus_socket"

    @staticmethod
    def daemon(_tools):
        return "/usr/sbin/pmd"

    @staticmethod
    def helper(_tools):
        return "/usr/libexec/pmd/pm-exec"

    @staticmethod
    def ctl(_tools):
        return "/usr/bin/pmctl"

    def boot(self):
        subprocess.run(["systemctl", "restart", "pmd"], check=True)
        shown = subprocess.run(["systemctl", "show", "--value", "--property=MainPID", "pmd"], check=True, capture_output=True, text=True)
        self.pid = int(shown.stdout)
        return {}

    def cold_argv(self, apps):
        return self.start_argv(apps)

    def ping_argv(self):
        return None

    def shutdown(self):
        subprocess.run([self.ctl(self.tools), "--bus", "system", "kill"], check=False, capture_output=True)


class UnitFloor(Floor):
    name = "unit-floor"
    program = "unit-floor"

    @classmethod
    def version(cls, tools):
        done = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=False)
        return "StartTransientUnit loop, " + done.stdout.split("\n", 1)[0]
