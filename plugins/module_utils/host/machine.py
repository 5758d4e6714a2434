# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The small seam for what no file tells: ethtool's requests, netlink dumps and the answers of programs.

`Recorded` answers from files of a recorded tree instead, below `.answers`: `ethtool/<device>/<command>`,
`netlink/<type>` (both as the kernel gave them) and `run/<words of the command>` (JSON: code, output).
"""
from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import socket
import stat
import struct
import subprocess
from typing import List, NamedTuple, Optional

SIOCETHTOOL = 0x8946
NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR, NLMSG_DONE = 2, 3
HEADER = struct.Struct("=IHHII")
MOST_BYTES = 4 * 1024 * 1024
MOST_DUMPED = 64 * 1024 * 1024
# Programs are told apart by their words: no language but English, and no way to somebody else's.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"}
UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENODEV, errno.EINVAL, errno.ENOTTY)


class HostError(Exception):
    """Something of a host that cannot be read. `kind` is an error class of docs/design.md."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind, self.message = kind, message
        super().__init__(message)


class Answer(NamedTuple):
    """What a program answered."""

    code: int
    output: str


def content_of(path: str, limit: int = MOST_BYTES) -> Optional[bytes]:
    """A file's content of at most `limit` bytes; None for a folder or a pipe. Raises OSError, never waits."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(handle).st_mode
        return _read(handle, limit) if stat.S_ISREG(mode) or stat.S_ISCHR(mode) else None
    finally:
        os.close(handle)


def _read(handle: int, limit: int) -> bytes:
    """The files of /proc and /sys come in pieces."""
    chunks: List[bytes] = []
    while limit > 0:
        chunk = os.read(handle, min(limit, 65536))
        if not chunk:
            break
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


class Machine:
    """This machine itself."""

    def ethtool(self, device: str, command: int, size: int, argument: bytes = b"") -> bytes:
        """The kernel's answer of `size` bytes to one of ethtool's requests, empty where the device knows no such thing.

        `argument` follows the number of the command in the request. Raises HostError.
        """
        buffer = ctypes.create_string_buffer(struct.pack("=I", command) + argument, size)
        request = struct.pack("16sP16x", device.encode("utf-8", "surrogateescape")[:15], ctypes.addressof(buffer))
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                fcntl.ioctl(sock, SIOCETHTOOL, request)
        except OSError as error:
            if error.errno in UNSUPPORTED:
                return b""
            kind = "denied" if error.errno in (errno.EPERM, errno.EACCES) else "failed"
            raise HostError(kind, "The driver of {0} does not answer ethtool: {1}.".format(device, error.strerror)) from None
        return buffer.raw

    def netlink(self, kind: int, body: bytes) -> bytes:
        """All messages of one route dump, as they came. Raises HostError."""
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
                sock.settimeout(10)
                sock.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST_DUMP, 1, 0) + body)
                return _receive(sock)
        except socket.timeout:
            raise HostError("timeout", "The kernel did not answer over netlink within 10 s.") from None
        except OSError as error:
            raise HostError("failed", "The kernel does not answer over netlink: {0}.".format(error.strerror)) from None

    def run(self, argv: List[str], seconds: float = 10.0) -> Answer:
        """A program's exit code and output. Raises HostError where it is not there or does not end in time."""
        try:
            done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=seconds, env=ENVIRONMENT)
        except subprocess.TimeoutExpired:
            raise HostError("timeout", "{0} did not end within {1:g} s.".format(" ".join(argv[:2]), seconds)) from None
        except FileNotFoundError:
            raise HostError("not_found", "There is no program {0}.".format(argv[0])) from None
        except OSError as error:
            raise HostError("failed", "{0} cannot be run: {1}.".format(argv[0], error.strerror)) from None
        return Answer(done.returncode, done.stdout.decode("utf-8", "replace"))


def _receive(sock: socket.socket) -> bytes:
    """Datagrams up to the one that ends the dump."""
    dumped = b""
    while len(dumped) < MOST_DUMPED:
        # One datagram of a dump holds at most 32 KiB; the rest is margin.
        datagram = sock.recv(256 * 1024)
        dumped += datagram
        if _ends(datagram):
            return dumped
    raise HostError("garbled", "The kernel's answer over netlink does not end.")


def _ends(datagram: bytes) -> bool:
    offset = 0
    while offset + HEADER.size <= len(datagram):
        length, kind = HEADER.unpack_from(datagram, offset)[:2]
        if kind in (NLMSG_DONE, NLMSG_ERROR) or length < HEADER.size:
            return True
        offset += (length + 3) & ~3
    return not datagram


class Recorded(Machine):
    """A recorded tree's answers."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.join(folder, ".answers")

    def _read(self, *names: str) -> bytes:
        return content_of(os.path.join(self.folder, *(name.replace("/", ":") for name in names)), MOST_DUMPED) or b""

    def ethtool(self, device: str, command: int, size: int, argument: bytes = b"") -> bytes:
        """As recorded; what was not recorded is not supported."""
        name = "{0:02x}".format(command) + ("-" + argument.hex() if argument.strip(b"\0") else "")
        try:
            return self._read("ethtool", device, name)[:size]
        except OSError:
            return b""

    def netlink(self, kind: int, body: bytes) -> bytes:
        """As recorded."""
        try:
            return self._read("netlink", str(kind))
        except OSError:
            raise HostError("not_found", "No netlink dump of type {0} was recorded.".format(kind)) from None

    def run(self, argv: List[str], seconds: float = 10.0) -> Answer:
        """As recorded; a program that was not asked then is not there."""
        try:
            found = json.loads(self._read("run", " ".join(argv)).decode("utf-8"))
            return Answer(int(found["code"]), str(found["output"]))
        except OSError:
            raise HostError("not_found", "There is no program {0}.".format(argv[0])) from None
        except (ValueError, KeyError, TypeError):
            raise HostError("garbled", "What was recorded of {0} is no answer.".format(" ".join(argv[:2]))) from None
