# SPDX-License-Identifier: Apache-2.0
"""A virtual machine (qemu, in software): a kernel of its own, with every controller of control groups. Boots in about 15 s.

Its disk is the initramfs: the archive of the root file system, followed by one of the layer on it. So it needs no driver and
leaves nothing behind, but cannot reboot into what it has written.
"""

import shutil
import subprocess

from harness import image

MEMORY = "3G"


def why_not():
    """What keeps this machine from running a virtual one; None when nothing does."""
    if not shutil.which("qemu-system-x86_64"):
        return "qemu is not installed (package qemu-system-x86)"
    if not shutil.which("cpio"):
        return "cpio is not installed"
    return None


def initramfs(layer):
    """A file in the layer's place: it goes away with the layer."""
    root, upper = layer.lower[-1], layer.place / "upper.cpio"
    image.pack(layer.upper, upper)
    target = layer.place / "initramfs"
    with open(target, "wb") as out:
        for part in (image.archive_of_root(root), upper):
            with open(part, "rb") as archive:
                shutil.copyfileobj(archive, out, 1 << 20)
    return target


class VirtualMachine:
    """Boots `layer`. What is on its console goes to the file `console`. `options` are for the kernel and systemd."""

    def __init__(self, layer, console, options=()):
        # Named by hand: /dev/kvm may exist and hang.
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", MEMORY, "-smp", "2",
                   "-nographic", "-no-reboot", "-nic", "none", "-kernel", image.kernel(), "-initrd", initramfs(layer), "-append",
                   " ".join(["console=ttyS0", "rdinit=/sbin/init", "quiet", "loglevel=1", "panic=-1", "random.trust_cpu=on", *options])]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)

    def wait(self, seconds):
        """Until it is off. Raises subprocess.TimeoutExpired."""
        self.process.wait(timeout=seconds)
        return "poweroff"

    def close(self):
        self.process.kill()
        self.process.wait()
