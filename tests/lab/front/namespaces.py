# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Network namespaces without names: they go when the last process and descriptor that hold them go."""
from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from typing import Iterator

CLONE_NEWNET = 0x40000000
OWN = "/proc/self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A new one. The calling thread is inside only within `inside()`. Raises OSError."""

    def __init__(self) -> None:
        self._home = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        _checked(_libc.unshare(CLONE_NEWNET))
        self.handle = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        enter(self._home)

    @property
    def path(self) -> str:
        """The namespace, for nsenter and ip, as long as this process lives."""
        return f"/proc/{os.getpid()}/fd/{self.handle}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        enter(self.handle)
        try:
            yield
        finally:
            enter(self._home)


def enter(handle: int) -> None:
    """Takes the calling thread into the namespace of an open descriptor."""
    _checked(_libc.setns(handle, CLONE_NEWNET))


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
