# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""QEMU's command line for one machine. Pure: nothing here looks at the system."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Optional

SNAPSHOT = "ready"
TAP_FDS = "{tap_fds}"  # where the keeper puts the numbers of the open queues
ACCELERATORS = {
    "tcg": ("tcg,thread=multi,tb-size=256", "max"),
    "kvm": ("kvm", "host"),
}


@dataclass(frozen=True)
class Machine:
    """One guest: its place in the bed (from 1) and its hardware."""

    number: int
    accel: str = "tcg"
    memory: int = 768  # MiB
    cpus: int = 2
    queues: int = 4  # of the card on the segment: more than there are CPUs, as on real hosts

    @property
    def name(self) -> str:
        return f"vm{self.number}"

    @property
    def address(self) -> str:
        """On the segment."""
        return f"192.168.77.{self.number}"

    def mac(self, card: int) -> str:
        return f"52:54:00:77:{card:02x}:{self.number:02x}"


def hardware(machine: Machine) -> list[str]:
    """What a frozen machine must find again, exactly so, when it wakes."""
    accel, cpu = ACCELERATORS[machine.accel]
    vectors = 2 * machine.queues + 2  # two for each queue, one for configuration, one for control
    return [
        "-nodefaults", "-no-user-config", "-machine", "q35", "-accel", accel, "-cpu", cpu,
        # A socket for each CPU: irqbalance leaves a machine alone that has but one cache.
        "-smp", f"{machine.cpus},sockets={machine.cpus},cores=1,threads=1", "-m", str(machine.memory),
        "-display", "none", "-vga", "none", "-rtc", "base=utc",
        "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci",
        "-device", f"virtio-net-pci,netdev=control,mac={machine.mac(0)},romfile=",
        "-device", f"virtio-net-pci,netdev=segment,mq=on,vectors={vectors},mac={machine.mac(1)},romfile=",
    ]


def command(program: str, machine: Machine, disk: str, ssh_port: int, frozen: bool) -> list[str]:
    """The whole command, to be run in the bed's folder. `frozen`: wake from the snapshot instead of booting."""
    words = [program, "-name", machine.name, *hardware(machine)]
    # The disk's cache is that of a disk with a power-loss protected cache: what the guest flushed survives a hard power-off.
    words += ["-drive", f"file={disk},if=none,id=disk,format=qcow2,cache=writeback,discard=unmap",
              "-netdev", f"user,id=control,restrict=on,hostfwd=tcp:127.0.0.1:{ssh_port}-:22",
              "-netdev", f"tap,id=segment,fds={TAP_FDS}",
              "-serial", f"file:{machine.name}.console", "-qmp", f"unix:{machine.name}.qmp,server=on,wait=off"]
    return words + (["-loadvm", SNAPSHOT] if frozen else [])


def probe_command(program: str, kernel: str) -> list[str]:
    """A guest that boots a kernel without a root disk, panics over it and ends: what KVM must do in time."""
    return [program, "-nodefaults", "-no-user-config", "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "256",
            "-smp", "2", "-display", "none", "-no-reboot", "-kernel", kernel, "-append", "panic=-1 quiet"]


def hardware_digest(machine: Machine, qemu_version: str) -> str:
    """Names what a snapshot fits: another machine or another QEMU cannot wake it."""
    text = "\0".join([*hardware(machine), qemu_version])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def version_of(output: str) -> Optional[str]:
    """`QEMU emulator version 7.2.22 (Debian ...)` as it stands, None where it is something else."""
    line = output.splitlines()[0] if output else ""
    return line.strip() if line.startswith("QEMU emulator version ") else None
