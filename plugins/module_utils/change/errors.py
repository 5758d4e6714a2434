# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What stops a change of a host, as one sentence with an error class of docs/design.md."""
from __future__ import annotations

import errno
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line


class ChangeError(Exception):
    """`kind` is an error class; `details` is what a result shows besides the sentence."""

    kind = "failed"

    def __init__(self, message: str, **details: Any) -> None:
        self.message = one_line(message, 800)
        self.details = details
        super().__init__(self.message)


class Refused(ChangeError):
    """What is asked for cannot be done, or could not be undone."""


class Denied(ChangeError):
    """The operating system does not allow it."""

    kind = "denied"


class Garbled(ChangeError):
    """A file of ours, or an answer of a tool, is not what it has to be."""

    kind = "garbled"


class Conflict(ChangeError):
    """Another run or somebody else is at work here."""

    kind = "conflict"


class Gone(ChangeError):
    """The device, interrupt or file is not there (any more)."""

    kind = "not_found"


class TimedOut(ChangeError):
    """A command did not end in its time."""

    kind = "timeout"


def classed(error: Exception) -> ChangeError:
    """Any error of an operation as a ChangeError."""
    if isinstance(error, ChangeError):
        return error
    if isinstance(error, OSError):
        return failure(error, error.filename or "Something", "changed")
    return ChangeError(repr(error))


def failure(error: OSError, name: str, doing: str) -> ChangeError:
    """An error of the operating system as a sentence."""
    words = error.strerror or str(error)
    sentence = "{0} cannot be {1}: {2}.".format(name, doing, words)
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return Gone(sentence)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Denied(sentence)
    return ChangeError(sentence)
