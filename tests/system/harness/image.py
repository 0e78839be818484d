# SPDX-License-Identifier: Apache-2.0
"""What a machine boots from: a small Debian of some release and a kernel, made once and kept in the user's cache directory.

The name of a cached root file system is the hash of what it was made from, so a change of `packages` or of the options below
makes a new one. Nothing here is ever written to again: machines lay their own files over it (layers.py).
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = HERE.parent / "packages"
CONTROL = HERE.parent.parent.parent / "packaging" / "debian" / "control"
# Those that ./dev knows, the oldest first.
RELEASES = ("bookworm", "trixie")
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


class CannotMake(Exception):
    """There is no root file system of that release, and none can be made; says why."""


def own_release():
    """The release of this machine when it is one of RELEASES, else the oldest of these."""
    try:
        lines = pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return RELEASES[0]
    known = [name for name in RELEASES if f"VERSION_CODENAME={name}" in lines]
    return known[0] if known else RELEASES[0]


def package_names(release):
    """What runs pmd and its tests."""
    names = []
    for line in PACKAGES.read_text(encoding="utf-8").splitlines():
        of, colon, more = line.partition(":")
        if colon and of in (release, *RELEASES):
            names += more.split() if of == release else []
        elif line.strip() and not line.startswith("#"):
            names.append(line.strip())
    return names


def building_names(release):
    """What builds the package and the integration tests: the Build-Depends of the package that no build profile leaves out."""
    text = CONTROL.read_text(encoding="utf-8").split("Build-Depends:")[1].split("\n\n")[0]
    depends = [entry.strip() for entry in text.replace("\n", " ").split(",") if entry.strip()]
    names = ["build-essential", "libgtest-dev", "libgmock-dev", "librapidcheck-dev"]
    for entry in depends:
        if "<!nocheck>" in entry:
            continue
        first, *others = [re.sub(r"\s*\(.*?\)", "", name).strip() for name in entry.split("|")]
        names.append(others[-1] if others and release == RELEASES[0] else first)
    return ["debhelper" if name == "debhelper-compat" else name for name in names]


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


def root_filesystem(release, names=None):
    """The directory of the root file system with these packages (package_names()); made when there is none yet. Needs root.
    Raises CannotMake."""
    names = names or package_names(release)
    recipe = repr((release, names, DPKG_OPTIONS, FINISH, FILES))
    target = cache_directory() / f"root-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"

    def make(work):
        forget_old(target.parent)
        root = work / "root"
        made = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(names)}",
                               *[f"--dpkgopt={option}" for option in DPKG_OPTIONS],
                               *[f"--customize-hook={command}" for command in FINISH], release, root],
                              check=False, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if made.returncode != 0:
            said = [line for line in made.stderr.splitlines() if line.startswith("E:")] or made.stderr.splitlines() or ["nothing"]
            raise CannotMake(f"mmdebstrap cannot make a Debian '{release}': {said[0]}")
        for name, text in FILES.items():
            (root / name).write_text(text, encoding="ascii")
        return root

    made_once(target, make)
    os.utime(target) # it is in use: see forget_old()
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
    target = cache_directory() / "vmlinuz"
    return made_once(target, unpack_kernel)


def kernel_package():
    """The package with the newest kernel: the one that KERNEL depends on."""
    answer = subprocess.run(["apt-cache", "depends", "--important", KERNEL], capture_output=True, text=True, check=False).stdout
    return answer.split("Depends: ")[1].split()[0] if "Depends: " in answer else None


def unpack_kernel(work):
    if kernel_package() is None:
        subprocess.run(["apt-get", "update", "-q"], check=True, stdin=subprocess.DEVNULL)
    subprocess.run(["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", kernel_package()], cwd=work, check=True,
                   stdin=subprocess.DEVNULL)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", next(work.glob("*.deb"))], stdout=subprocess.PIPE) as files:
        subprocess.run(["tar", "-x", "-C", work, "--wildcards", "./boot/vmlinuz-*"], stdin=files.stdout, check=True)
    return next(work.glob("boot/vmlinuz-*"))
