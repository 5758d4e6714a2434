# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Files of a host below a root folder, so that a recorded /proc and /sys serve as well as the machine's own."""
from __future__ import annotations

import errno
import os
import struct
from typing import Any, Callable, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import (
    MOST_BYTES, HostError, Machine, content_of)
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

# What /proc and /sys answer where a thing does not exist for this device or on this kernel: EINVAL is the speed of a link
# that is down, ENOENT also the XPS of a device with one queue.
NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.EOPNOTSUPP, errno.EINVAL)
REFUSED = (errno.EACCES, errno.EPERM)
# What a reader raises over a document that is not what it has to be.
GARBLED = (AttributeError, KeyError, TypeError, IndexError, ValueError, OverflowError, struct.error)


def from_os_error(error: OSError, what: str) -> HostError:
    """A classed error that names the file."""
    if error.errno in REFUSED:
        return HostError("denied", "{0} may not be read ({1}): become root, or see whether the kernel is locked "
                         "down.".format(what, error.strerror))
    kind = "not_found" if error.errno in NOT_THERE else "failed"
    return HostError(kind, "{0} cannot be read: {1}.".format(what, error.strerror or type(error).__name__))


class Root:
    """Reads files below `folder`; names are as on the machine ("/proc/cmdline"). What is not there is None.

    Raises HostError (denied, garbled, failed) where something is there and cannot be read.
    """

    def __init__(self, folder: str = "/", machine: Optional[Machine] = None) -> None:
        self.folder = folder
        self.machine = machine or Machine()

    def path(self, name: str) -> str:
        """Where a file of the host is to be found."""
        return os.path.join(self.folder, name.lstrip("/"))

    def raw(self, name: str, limit: int = MOST_BYTES) -> Optional[bytes]:
        """A file's content, of at most `limit` bytes."""
        try:
            return content_of(self.path(name), limit)
        except OSError as error:
            if error.errno in NOT_THERE:
                return None
            raise from_os_error(error, name) from None
        except ValueError:  # a name with a NUL
            raise HostError("garbled", "{0} is no name of a file.".format(one_line(name, 100))) from None

    def text(self, name: str) -> Optional[str]:
        """A file's content as text; bytes that are no UTF-8 are replaced."""
        content = self.raw(name)
        return None if content is None else content.decode("utf-8", "replace")

    def word(self, name: str) -> Optional[str]:
        """A file's content on one line, fit to be shown; None where it is empty."""
        content = self.text(name)
        return one_line(content, 4000) or None if content is not None else None

    def number(self, name: str) -> Optional[int]:
        """A file's content as a whole number; HostError garbled for anything else."""
        found = self.word(name)
        return None if found is None else whole(found, name)

    def names(self, name: str) -> List[str]:
        """What is in a folder, in order; empty where it is not there."""
        try:
            return sorted(entry for entry in os.listdir(self.path(name)) if entry == one_line(entry, 255))
        except OSError as error:
            if error.errno in NOT_THERE:
                return []
            raise from_os_error(error, name) from None

    def target(self, name: str) -> Optional[str]:
        """The last part of what a link leads to: the driver's name for .../device/driver."""
        try:
            return one_line(os.path.basename(os.readlink(self.path(name))), 255) or None
        except OSError as error:
            if error.errno in NOT_THERE:
                return None
            raise from_os_error(error, name) from None

    def there(self, name: str) -> bool:
        """Whether something of this name exists, as far as one may look."""
        return os.path.lexists(self.path(name))

    def first(self, names: List[str]) -> Optional[str]:
        """The first of these names that exists."""
        return next((name for name in names if self.there(name)), None)


def whole(text: str, what: str) -> int:
    """A whole number of at most 18 digits; HostError garbled for anything else."""
    digits = text[1:] if text[:1] == "-" else text
    if not digits.isdigit() or not digits.isascii() or len(digits) > 18:
        raise HostError("garbled", "{0} is no number: {1}.".format(what, one_line(text, 60)))
    return int(text)


def settings(content: Optional[str]) -> Dict[str, str]:
    """KEY=value lines as shells, os-release and tuned have them, without quotes; later lines win."""
    found: Dict[str, str] = {}
    for line in (content or "").splitlines():
        key, sign, value = line.partition("=")
        key = key.strip()
        if sign and key and not key.startswith(("#", ";", "[")):
            found[one_line(key, 100)] = _unquoted(one_line(value, 2000))
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


class Unread:
    """What could not be read, in the order it was tried."""

    def __init__(self) -> None:
        self.entries: List[Dict[str, str]] = []

    def add(self, what: str, kind: str, reason: str) -> None:
        """Note one thing."""
        self.entries.append({"what": one_line(what, 200), "class": kind, "reason": one_line(reason, 600)})

    def attempt(self, what: str, reader: Callable[..., Any], *args: Any) -> Any:
        """The reader's result, or None and an entry."""
        try:
            return reader(*args)
        except HostError as error:
            self.add(what, error.kind, error.message)
        except GARBLED as error:
            self.add(what, "garbled", "What was read for {0} is not what it has to be ({1}).".format(
                what, type(error).__name__))
        return None
