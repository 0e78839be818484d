# SPDX-License-Identifier: Apache-2.0
"""The bare posix_spawn loop (native/spawn_floor.cpp): no manager can be faster than what it adds nothing to."""

import json
import os
import platform
import subprocess

from .base import Manager


class Floor(Manager):
    name = "floor"
    has_cli = False
    program = "spawn-floor"

    @classmethod
    def missing(cls, tools):
        path = tools.native(cls.program)
        return None if os.access(path, os.X_OK) else f"not built: {path}"

    @classmethod
    def version(cls, tools):
        return "posix_spawn loop, " + " ".join(platform.libc_ver())

    def boot(self):
        return {}

    def api_start(self, apps):
        process = subprocess.Popen([self.tools.native(self.program), str(len(apps)), self.tools.fixture, self.board.path],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process = process
        times = json.loads(process.stdout.readline())
        return times["begin"], times["end"]

    def shutdown(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
