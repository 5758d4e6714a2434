# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Frozen machines: booted once, kept with their memory, woken in seconds.

Each has booted for itself, so boot ID, host name, machine ID and addresses are its own.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from front.locks import exclusive
from front.progress import Progress

from . import disk, host, qemu, ssh
from .bed import Bed
from .errors import VmError
from .image import BOOT_SECONDS, own_bed
from .qemu import SNAPSHOT, Machine

WAKE_SECONDS = 600  # on a busy machine; 2 to 5 s usually
SETTLED = "systemctl is-system-running --wait || { systemctl --failed --no-legend; exit 1; }"


def ensure(image: Path, machine: Machine, progress: Progress) -> Path:
    """The disk with the snapshot; made where this hardware was not frozen yet."""
    target = image / f"frozen-{qemu.hardware_digest(machine, qemu_version())}-{machine.name}.qcow2"
    if not target.exists():
        with exclusive(target.with_suffix(".lock"), lambda: progress.say("Waiting for another to freeze it ...")):
            if not target.exists():
                with progress.step(f"Booting {machine.name} and freezing it"):
                    _freeze(image, machine, target)
    return target


def qemu_version() -> str:
    done = subprocess.run([host.program("qemu-system-x86_64"), "--version"], check=False, capture_output=True, text=True)
    version = qemu.version_of(done.stdout)
    if version is None:
        raise VmError("qemu-system-x86_64 --version does not say its version: install the package qemu-system-x86 anew.")
    return version


def _freeze(image: Path, machine: Machine, target: Path) -> None:
    with own_bed(f"freeze-{machine.name}", machine, image) as bed:
        path = bed.folder / f"{machine.name}.qcow2"
        disk.overlay(image / "base.qcow2", path)
        bed.start(machine, frozen=False)
        bed.wait(machine, BOOT_SECONDS)
        bed.shell(machine, identity(machine), BOOT_SECONDS)
        bed.shell(machine, SETTLED, BOOT_SECONDS)
        bed.shell(machine, "sync; echo 3 > /proc/sys/vm/drop_caches")
        _no_word(bed.monitor(machine, f"savevm {SNAPSHOT}"), "freeze", machine)
        bed.kill(machine)
        new = target.with_suffix(".new")
        shutil.move(path, new)
        os.replace(new, target)


def identity(machine: Machine) -> str:
    """A shell command that gives the machine its name and its address on the segment."""
    network = f"[Match]\\nName=eth1\\n\\n[Network]\\nAddress={machine.address}/24\\nLinkLocalAddressing=no\\n"
    return ("set -e; "
            f"printf '{network}' > /etc/systemd/network/20-eth1.network; networkctl reload; "
            f"hostnamectl set-hostname {machine.name}")


def rewind(bed: Bed, machine: Machine) -> None:
    """Takes a running machine back to its snapshot, disk and memory."""
    ssh.hang_up(bed.ssh_config, machine.name)
    _no_word(bed.monitor(machine, f"loadvm {SNAPSHOT}"), "rewind", machine)


def settle(bed: Bed, machine: Machine) -> None:
    """Waits for a woken machine and tells it what time it is."""
    bed.wait(machine, WAKE_SECONDS)
    bed.shell(machine, f"date -s @{time.time():.0f}")


def _no_word(said: str, what: str, machine: Machine) -> None:
    if said.strip():
        raise VmError(f"QEMU could not {what} {machine.name}: {said.strip()}")
