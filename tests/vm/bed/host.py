# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this machine must have to run test beds, and its installation where that is Debian packages."""
from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Optional

from front import packages
from front.progress import Progress

from .errors import CannotRun

PACKAGES = {  # program: its Debian package
    "qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs",
    "ssh": "openssh-client", "ssh-keygen": "openssh-client", "ip": "iproute2", "nsenter": "util-linux",
}
TUN = Path("/dev/net/tun")


def program(name: str) -> str:
    """Path of a program that `prepare` has seen to."""
    found = packages.path_of(name)
    if found is None:
        raise CannotRun(f"{name} is not installed: install the package {PACKAGES[name]}.")
    return found


def absent() -> list[str]:
    """Packages whose programs are not here."""
    return sorted(packages.absent(PACKAGES))


def obstacle() -> Optional[str]:
    """Why no installation of packages would make this machine fit; None where it is."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return f"the guests are x86-64 on Linux, this is {platform.system()} on {platform.machine()}"
    if os.geteuid() != 0:
        return "building the image and its network segment take root"
    if not TUN.exists():
        return f"there is no {TUN} for multi-queue network cards"
    return None


def prepare(progress: Progress) -> None:
    """Raises CannotRun where test beds cannot be had here; installs what lacks with apt-get."""
    reason = obstacle()
    if reason:
        raise CannotRun(f"No virtual machines here: {reason}.")
    reason = packages.install(absent, progress)
    if reason:
        raise CannotRun(f"No virtual machines here: {reason}.")
