# SPDX-License-Identifier: Apache-2.0
"""The files of one machine: the cached root file system with a layer on top, as an overlay of its own.

Mounts are made in a mount namespace of the harness and the layers lie in memory, so that nothing is left behind however it
ends, and several of them may use the same directory.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness import image

SYSTEM = pathlib.Path(__file__).resolve().parent.parent
CHECKOUT = SYSTEM.parent.parent
IN_NAMESPACE = "PMD_SYSTEM_TEST_NAMESPACE"


def why_not():
    """What keeps us from laying out a system to boot; None when nothing does."""
    if os.geteuid() != 0:
        return "only root can lay out a system to boot"
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is not installed"
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", place()], capture_output=True, text=True,
                           check=False)
    return f"nothing can be mounted here: {tried.stderr.strip()}" if tried.returncode else None


def enter_own_namespace():
    """Starts the running script again in a mount namespace of its own (Python 3.11 has no unshare())."""
    if os.environ.get(IN_NAMESPACE) != str(os.getpid()):
        os.environ[IN_NAMESPACE] = str(os.getpid())
        os.execvp("unshare", ["unshare", "--mount", "--propagation=private", sys.executable, *sys.argv])
    mount("-t", "tmpfs", "-o", "mode=0755,size=4g", "tmpfs", place())


def place():
    """Where the layers are: empty for everybody outside of our namespace."""
    path = image.cache_directory() / "layers"
    path.mkdir(exist_ok=True)
    return path


class Layer:
    """`root` is the merged view, `upper` has what differs from the root file system below it."""

    def __init__(self, lower):
        self.place = pathlib.Path(tempfile.mkdtemp(dir=place()))
        self.lower = lower
        self.upper, self.root = self.place / "upper", self.place / "root"
        for path in (self.upper, self.place / "work", self.root):
            path.mkdir()
        below = ":".join(str(path) for path in lower)
        mount("-t", "overlay", "-o", f"lowerdir={below},upperdir={self.upper},workdir={self.place / 'work'}", "overlay", self.root)

    def finish(self):
        """It does not change any more: its root is gone, and other layers may lie on it."""
        subprocess.run(["umount", self.root], check=True)

    def above(self):
        """A new layer on this one, which is finished."""
        return Layer([self.upper, *self.lower])

    def close(self):
        subprocess.run(["umount", "--lazy", self.root], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.place)

    def install_package(self, package):
        """As dpkg does it where no systemd runs."""
        shutil.copy(package, self.root / "pmd.deb")
        subprocess.run(["chroot", self.root, "dpkg", "--install", "/pmd.deb"], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    def install_build(self, build, run=subprocess.run):
        """What `meson install` puts there; the build must be up to date and configured for /usr. `run` is that of the root
        file system it was configured in."""
        run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", self.root], check=True)

    def add_tests(self, build):
        """The cases and what runs them, in /system-test, with the integration tests of a build, and the units that begin it."""
        shutil.copytree(SYSTEM / "guest", self.root / "system-test", dirs_exist_ok=True)
        shutil.copytree(SYSTEM / "cases", self.root / "system-test" / "cases", dirs_exist_ok=True)
        shutil.copytree(CHECKOUT / "packaging" / "debian" / "tests", self.root / "system-test" / "autopkgtest", dirs_exist_ok=True)
        for program in (build / "tests" / "integration").glob("integration-*"):
            if program.is_file():
                (self.root / "system-test" / "integration").mkdir(exist_ok=True)
                shutil.copy(program, self.root / "system-test" / "integration")
        for unit in (SYSTEM / "guest").glob("system-test.*"):
            shutil.copy(unit, self.root / "etc" / "systemd" / "system")


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)
