# SPDX-License-Identifier: Apache-2.0
"""The compiler and the libraries of a release: a root file system like those of the machines, with what builds pmd, and this
checkout at its place."""

import os
import subprocess

from harness import image, layers

# What a package build goes by; nothing else of the caller's environment gets there.
PASSED_ON = ("DEB_BUILD_OPTIONS", "DEB_BUILD_PROFILES", "DEB_CXXFLAGS_APPEND", "LC_ALL", "TERM")


def build_directory(release):
    """Where ./dev builds for it, without a package."""
    return layers.CHECKOUT / ("build" if release == image.own_release() else f"build-{release}")


def install_build(layer, build, release):
    """Has the meson that configured `build` install it."""
    if release == image.own_release():
        layer.install_build(build)
    else:
        layer.install_build(build, BuildRoot(release, [layer.root, build]).run)


class BuildRoot:
    """Within layers.enter_own_namespace(). `places` are directories that are to be there, too."""

    def __init__(self, release, places=()):
        self.layer = layers.Layer([image.root_filesystem(release, image.package_names(release) + image.building_names(release))])
        for place in (layers.CHECKOUT, *places):
            inside = self.layer.root / str(place).lstrip("/")
            inside.mkdir(parents=True, exist_ok=True)
            layers.mount("--bind", str(place), inside)
        layers.mount("-t", "proc", "proc", self.layer.root / "proc")
        layers.mount("--rbind", "/dev", self.layer.root / "dev")

    def run(self, command, check=False, directory=layers.CHECKOUT):
        passed = [f"{name}={os.environ[name]}" for name in PASSED_ON if name in os.environ]
        path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.run(["chroot", self.layer.root, "env", "--ignore-environment", f"--chdir={directory}", "HOME=/root", path,
                               *passed, *command], check=check)
