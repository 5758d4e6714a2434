# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this machine must have to run a fabric, and its installation where that is Debian packages."""
from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Optional

from front import packages
from front.progress import Progress

from .errors import CannotRun
from .places import CNI_PLUGINS

PACKAGES = {  # program: its Debian package
    "containerd": "containerd", "ctr": "containerd", "runc": "runc", "clang": "clang", "nft": "nftables", "ip": "iproute2",
    "tc": "iproute2", "unshare": "util-linux", "mount": "mount", "conntrack": "conntrack",
}
FILES = {  # what is no program: its Debian package
    CNI_PLUGINS / "bridge": "containernetworking-plugins",
    Path("/usr/include/bpf/bpf_helpers.h"): "libbpf-dev",
    Path("/usr/include/linux/bpf.h"): "linux-libc-dev",
    Path("/usr/include/x86_64-linux-gnu/asm/types.h"): "linux-libc-dev",
}
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids")
CGROUPS = Path("/sys/fs/cgroup")


def program(name: str) -> str:
    """Path of a program that `prepare` has seen to."""
    found = packages.path_of(name)
    if found is None:
        raise CannotRun(f"{name} is not installed: install the package {PACKAGES[name]}.")
    return found


def absent() -> list[str]:
    """Packages of what is not here."""
    return sorted(packages.absent(PACKAGES) | {package for path, package in FILES.items() if not path.exists()})


def obstacle() -> Optional[str]:
    """Why no installation of packages would make this machine fit; None where it is."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return f"the nodes are x86-64 on Linux, this is {platform.system()} on {platform.machine()}"
    if os.geteuid() != 0:
        return "namespaces with nodes in them take root"
    lacking = [name for name in CONTROLLERS if not (CGROUPS / name / "cgroup.procs").exists()]
    if lacking:
        return f"the nodes' kubelets take control groups of version 1; there is no controller {', '.join(lacking)} in {CGROUPS}"
    return None


def prepare(progress: Progress) -> None:
    """Raises CannotRun where a fabric cannot be had here; installs what lacks with apt-get."""
    reason = obstacle()
    if reason:
        raise CannotRun(f"No fabric here: {reason}.")
    reason = packages.install(absent, progress)
    if reason:
        raise CannotRun(f"No fabric here: {reason}.")
