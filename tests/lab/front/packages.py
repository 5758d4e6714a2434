# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs from Debian packages: where they are, and their installation where they lack."""
from __future__ import annotations

import os
import shutil
import subprocess
from typing import Callable, Optional

from .progress import Progress

SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def path_of(name: str) -> Optional[str]:
    """Path of a program; None where it is not there."""
    return shutil.which(name, path=SEARCH)


def absent(packages: dict[str, str]) -> set[str]:
    """Packages whose programs are not here. `packages`: program -> its Debian package."""
    return {package for name, package in packages.items() if path_of(name) is None}


def install(lacking: Callable[[], list[str]], progress: Progress) -> Optional[str]:
    """Installs with apt-get what `lacking` names; why something lacks still, as a part of a sentence, None where nothing does."""
    packages = lacking()
    if not packages:
        return None
    if not shutil.which("apt-get"):
        return f"{', '.join(packages)} missing and no apt-get to install it with"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"Installing {', '.join(packages)}"):
        for command in (["apt-get", "update", "-q"],
                        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]):
            done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode or lacking():
        reason = (done.stderr.strip().splitlines() or ["apt-get gave no reason"])[-1]
        return f"{', '.join(packages)} could not be installed ({reason})"
    return None
