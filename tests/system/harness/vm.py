# SPDX-License-Identifier: Apache-2.0
"""A virtual machine (qemu, in software): a kernel of its own, with every controller of control groups. Boots in about 15 s.

Its disk is the initramfs: the archive of the root file system, followed by those of the layers on it. So it needs no driver and
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
    """A file in the layer's place: it goes away with the layer. The kernel unpacks archives that follow each other."""
    *between, root = layer.lower
    archives = [image.archive_of_root(root)]
    for number, upper in enumerate([*reversed(between), layer.upper]):
        archives.append(image.pack(upper, layer.place / f"{number}.cpio"))
    target = layer.place / "initramfs"
    with open(target, "wb") as out:
        for path in archives:
            with open(path, "rb") as archive:
                shutil.copyfileobj(archive, out, 1 << 20)
    return target


class VirtualMachine:
    """Boots `layer`. What is on its console goes to the file `console`. `options` are for the kernel and systemd."""

    def __init__(self, layer, console, options=()):
        # Named by hand: /dev/kvm may exist and hang. The kernel's check of its timer fails where the emulation gets too little time, and
        # the kernel gives up then.
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", MEMORY, "-smp", "2",
                   "-nographic", "-no-reboot", "-nic", "none", "-kernel", image.kernel(), "-initrd", initramfs(layer), "-append",
                   " ".join(["console=ttyS0", "rdinit=/sbin/init", "quiet", "loglevel=1", "panic=-1", "random.trust_cpu=on", "no_timer_check", *options])]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)

    def wait(self, seconds):
        """Until it is off. Raises subprocess.TimeoutExpired."""
        self.process.wait(timeout=seconds)
        return "poweroff"

    def close(self):
        self.process.kill()
        self.process.wait()
