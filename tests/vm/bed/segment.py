# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A network segment in a namespace of its own: a bridge, and for each running machine a multi-queue tap.

Nothing of it is seen outside, and nothing of it is left when the last process that holds it ends.
"""
from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import subprocess
from contextlib import contextmanager
from typing import Iterator

from . import host

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
TAP, NO_PACKET_INFO, VNET_HEADER, MULTI_QUEUE = 0x2, 0x1000, 0x4000, 0x100
BRIDGE = "segment"
ADDRESS = "192.168.77.254/24"
WIDEST_MTU = 9000

_libc = ctypes.CDLL(None, use_errno=True)


def enter(handle: int) -> None:
    """Takes the calling thread into the namespace of an open descriptor."""
    _checked(_libc.setns(handle, CLONE_NEWNET))


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Segment:
    """The calling thread is inside the namespace only within `inside()`."""

    def __init__(self, mtu: int = WIDEST_MTU) -> None:
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _checked(_libc.unshare(CLONE_NEWNET))
        self._away = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.mtu = mtu
        try:
            _ip("link", "set", "lo", "up")
            _ip("link", "add", BRIDGE, "type", "bridge")
            _ip("link", "set", BRIDGE, "mtu", str(mtu), "up")
            _ip("address", "add", ADDRESS, "dev", BRIDGE)
        finally:
            enter(self._home)

    @property
    def path(self) -> str:
        """The namespace, for nsenter, as long as this process lives."""
        return f"/proc/{os.getpid()}/fd/{self._away}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        enter(self._away)
        try:
            yield
        finally:
            enter(self._home)

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
