# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A network segment in a namespace of its own: a bridge, and for each running machine a multi-queue tap.

Nothing of it is seen outside, and nothing of it is left when the last process that holds it ends.
"""
from __future__ import annotations

import fcntl
import os
import struct
import subprocess

from front.namespaces import Namespace

from . import host

TUNSETIFF = 0x400454CA
TAP, NO_PACKET_INFO, VNET_HEADER, MULTI_QUEUE = 0x2, 0x1000, 0x4000, 0x100
BRIDGE = "segment"
ADDRESS = "192.168.77.254/24"
WIDEST_MTU = 9000


class Segment(Namespace):
    """The namespace with the bridge in it."""

    def __init__(self, mtu: int = WIDEST_MTU) -> None:
        super().__init__()
        self.mtu = mtu
        with self.inside():
            _ip("link", "set", "lo", "up")
            _ip("link", "add", BRIDGE, "type", "bridge")
            _ip("link", "set", BRIDGE, "mtu", str(mtu), "up")
            _ip("address", "add", ADDRESS, "dev", BRIDGE)

    def plug(self, name: str, queues: int) -> list[int]:
        """Opens the queues of a tap called `name` and joins it to the segment; it goes when all of them are closed."""
        with self.inside():
            opened = [_open_queue(name) for number in range(queues)]
            _ip("link", "set", name, "mtu", str(self.mtu), "master", BRIDGE, "up")
        return opened

    def set_mtu(self, mtu: int, ports: list[str]) -> None:
        """The largest packet this switch carries from now on; larger ones are lost without a word."""
        with self.inside():
            for name in [*ports, BRIDGE]:
                _ip("link", "set", name, "mtu", str(mtu))
        self.mtu = mtu


def _open_queue(name: str) -> int:
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    flags = TAP | NO_PACKET_INFO | VNET_HEADER | MULTI_QUEUE
    try:
        fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError:
        os.close(handle)
        raise
    return handle


def _ip(*words: str) -> None:
    done = subprocess.run([host.program("ip"), *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
