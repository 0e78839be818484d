# SPDX-License-Identifier: Apache-2.0
"""What a machine boots from: a small Debian 12 and a kernel, made once and kept in the user's cache directory.

The name of a cached root file system is the hash of what it was made from, so a change of `packages` or of this file makes
a new one. Nothing here is ever written to again: machines lay their own files over it (layers.py).
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = HERE.parent / "packages"
UNUSED_SECONDS = 30 * 24 * 3600
KERNEL = "linux-image-cloud-amd64"

# Translations and other packages' documents would only make it slower to copy into a virtual machine.
DPKG_OPTIONS = ["path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/pmd/*",
                "path-exclude=/usr/share/man/*", "path-include=/usr/share/man/*/pm*"]

# Two plain users.
FINISH = [
    'chroot "$1" useradd --create-home --uid 1000 --shell /bin/bash alice',
    'chroot "$1" useradd --create-home --uid 1001 --shell /bin/bash bob',
]
# Without an id, systemd takes the boot for the first one ever and enables every unit.
FILES = {"etc/machine-id": "00000000000000000000000000000001\n", "etc/hostname": "pmd-test\n"}


def cache_directory():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = pathlib.Path(home) / "pmd" / "system-test"
    path.mkdir(parents=True, exist_ok=True)
    return path


def package_names():
    lines = PACKAGES.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


@contextlib.contextmanager
def only_one(name):
    """Several test runs at once: one makes the thing, the others wait for it."""
    with open(cache_directory() / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_once(target, make):
    """`target`, after make(temporary directory) returned the path that shall become it."""
    with only_one(target.name.split("-")[0]):
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-") as work:
                make(pathlib.Path(work)).rename(target)
    return target


def root_filesystem():
    """The directory of the root file system; made when there is none yet. Needs root."""
    recipe = hashlib.sha256(PACKAGES.read_bytes() + pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    target = cache_directory() / f"root-{recipe}"

    def make(work):
        forget_old(target.parent)
        root = work / "root"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(package_names())}",
                        *[f"--dpkgopt={option}" for option in DPKG_OPTIONS],
                        *[f"--customize-hook={command}" for command in FINISH], "bookworm", root],
                       check=True, stdin=subprocess.DEVNULL)
        for name, text in FILES.items():
            (root / name).write_text(text, encoding="ascii")
        return root

    made_once(target, make)
    os.utime(target)
    return target


def forget_old(cache):
    for old in cache.glob("root-*"):
        if old.stat().st_mtime < time.time() - UNUSED_SECONDS:
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def archive_of_root(root):
    """The same as a cpio archive, as an initramfs."""
    return made_once(root.with_name(root.name + ".cpio"), lambda work: pack(root, work / "cpio"))


def pack(directory, archive):
    """Everything of a directory as a cpio archive. What an overlay removed (a device 0:0) is left out."""
    find = ["find", ".", "(", "-type", "c", "-links", "1", "-size", "0", "!", "-path", "./dev/*", ")", "-o", "-print0"]
    with open(archive, "wb") as out, subprocess.Popen(find, cwd=directory, stdout=subprocess.PIPE) as names:
        subprocess.run(["cpio", "--null", "--create", "--format=newc", "--quiet"], cwd=directory, stdin=names.stdout,
                       stdout=out, check=True)
    return archive


def kernel():
    """The file of Debian's kernel for virtual machines; it is unpacked, not installed."""
    depends = subprocess.run(["apt-cache", "depends", "--important", KERNEL], capture_output=True, text=True, check=True).stdout
    package = depends.split("Depends: ")[1].split()[0]
    return made_once(cache_directory() / f"vmlinuz-{package}", lambda work: unpack_kernel(package, work))


def unpack_kernel(package, work):
    # apt's own user cannot write to root's directories; as root it says so and goes on
    subprocess.run(["apt-get", "download", "-q", package], cwd=work, check=True, stdin=subprocess.DEVNULL)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", next(work.glob("*.deb"))], stdout=subprocess.PIPE) as files:
        subprocess.run(["tar", "-x", "-C", work, "--wildcards", "./boot/vmlinuz-*"], stdin=files.stdout, check=True)
    return next(work.glob("boot/vmlinuz-*"))
