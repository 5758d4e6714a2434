# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image is made of, and the digest that names it."""
from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from . import disk
from .errors import VmError
from .places import RECIPE, cache

SUITES = ("bookworm", "trixie")
MACHINE_SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
USUAL_MIRROR = "http://deb.debian.org/debian"
APT_OPTIONS = ('Acquire::Languages "none"', 'APT::Install-Recommends "false"')
DPKG_OPTIONS = ("path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/doc/*",
                "force-unsafe-io")
# What its own system does to a disk that has not booted yet. The log of the build shows what it said.
FIRST_BOOT = ("set -e; grub-install --target=i386-pc /dev/vda; update-grub; rm -f /boot/grub/core.img; "
              ": > /etc/machine-id; rm -f /var/lib/dbus/machine-id; sync")  # each machine takes its own ID in its first boot


@dataclass(frozen=True)
class Recipe:
    """An image by its Debian suite and everything below image/."""

    suite: str = SUITES[0]

    def __post_init__(self) -> None:
        if self.suite not in SUITES:
            raise VmError(f"There is no image of Debian {self.suite}: choose one of {', '.join(SUITES)}.")

    def digest(self) -> str:
        """Changes with every file the image is made from, and with nothing else."""
        words = mmdebstrap_command(self.suite, Path("root"), Path("key"), "mirror", Path("scripts"))
        digest = hashlib.sha256("\0".join([*words, FIRST_BOOT]).encode())
        digest.update(Path(disk.__file__).read_bytes())
        for path in sorted(path for path in RECIPE.rglob("*") if path.is_file()):
            digest.update(f"\0{path.relative_to(RECIPE)}\0{bool(path.stat().st_mode & 0o100)}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def folder(self) -> Path:
        """Where the image is kept; it need not be there."""
        return cache() / f"vm-{self.digest()}"


def packages(name: str = "packages.txt") -> list[str]:
    lines = (RECIPE / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def mirror(sources: tuple[Path, ...] = MACHINE_SOURCES) -> str:
    """The Debian mirror this machine uses itself, else the usual one."""
    for path in sources:
        if path.is_file():
            found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(https?://\S+/debian/?)(?:\s|$)",
                              path.read_text(encoding="utf-8"), re.MULTILINE)
            if found:
                return found.group(1)
    return USUAL_MIRROR


def mmdebstrap_command(suite: str, root: Path, key: Path, source: str, scripts: Path) -> list[str]:
    """Arguments that make `root` from the mirror `source`; the recipe's scripts run at their time."""
    hooks = {"essential": [scripts / "essential.sh", '"$1"'], "customize": [scripts / "customize.sh", '"$1"', key]}
    words = ["--mode=root", "--variant=minbase", "--components=main"]
    words += [f"--aptopt={option}" for option in APT_OPTIONS] + [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
    words += [f"--include={','.join(packages())}"]
    for name, parts in hooks.items():
        quoted = [shlex.quote(str(part)) if isinstance(part, Path) else part for part in parts]
        words.append(f"--{name}-hook={' '.join(quoted)}")
    return words + [suite, str(root), source]
