# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fabric's network namespaces, and what is run and set in them."""
from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
import subprocess
from typing import Any, Iterable

from front.namespaces import Namespace

from . import host

SIOCETHTOOL = 0x8946
SEGMENTATION = {"tso": 0x1F, "gso": 0x24}  # ETHTOOL_STSO, ETHTOOL_SGSO


class Space(Namespace):
    """One namespace, with its loopback up."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.ip(["link set lo up"])

    def run(self, command: list[str], **options: Any) -> str:
        """What the command prints; OSError with its complaint where it fails."""
        with self.inside():
            return run(command, **options)

    def ip(self, lines: Iterable[str], family: int = 0) -> None:
        """Lines of `ip -batch`: they end at the first that fails. What has no address in it takes a `family`, 4 or 6."""
        options = [f"-{family}"] if family else []
        self.run([host.program("ip"), *options, "-batch", "-"], input="\n".join(lines) + "\n")

    def sysctl(self, values: dict[str, int]) -> None:
        """Sets sysctls of this namespace, by their paths below /proc/sys/net."""
        with self.inside():
            for name, value in values.items():
                with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as handle:
                    handle.write(str(value))

    def send_as_on_the_wire(self, device: str) -> None:
        """No segmentation by the device: what leaves it is no larger than a packet on a wire."""
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
            for command in SEGMENTATION.values():
                _ethtool(channel, device, command)


def _ethtool(channel: socket.socket, device: str, command: int) -> None:
    value = ctypes.create_string_buffer(struct.pack("II", command, 0))
    fcntl.ioctl(channel, SIOCETHTOOL, struct.pack("16sQ16x", device.encode(), ctypes.addressof(value)))


def run(command: list[str], **options: Any) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout
