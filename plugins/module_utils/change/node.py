# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The node as far as a change touches it: files, commands, and the device calls of devices.py.

Every system call that changes something goes through this file and calls `step` first, so that tests can stop the process
before any of them. Paths are those of the node; `root` is put before them (tests use a folder).
"""
from __future__ import annotations

import errno
import os
import subprocess
from base64 import b64decode, b64encode
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change import devices
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Gone, TimedOut, failure

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMMAND_TIMEOUT = 100  # seconds; systemd's own limit for a unit to start or stop is 90
TEMPORARY = ".fastpath-cilium.{0}.tmp"  # hidden, and no suffix that a folder of settings is read by
# Hashes over the content: they would be wrong for another content.
CONTENT_XATTRS = ("security.ima", "security.evm")

Attributes = Dict[str, Any]


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str


class Node:
    """Reading and changing files, and running commands, below `root`."""

    def __init__(self, root: str = "/") -> None:
        self.root = root

    def step(self, what: str) -> None:
        """Called before each system call that changes something."""

    def at(self, name: str) -> str:
        return os.path.join(self.root, name.lstrip("/"))

    # Reading

    def exists(self, name: str) -> bool:
        return os.path.lexists(self.at(name))

    def read(self, name: str, limit: int = 1 << 20) -> bytes:
        """The file's bytes. Raises Gone, Denied, or ChangeError, also when it is larger than `limit`."""
        try:
            with open(self.at(name), "rb") as file:
                found = file.read(limit + 1)
        except OSError as error:
            raise failure(error, name, "read") from None
        if len(found) > limit:
            raise ChangeError("{0} is larger than {1} bytes: it is not a file of settings.".format(name, limit))
        return found

    def read_text(self, name: str) -> str:
        return self.read(name).decode("utf-8", "replace")

    def attributes(self, name: str) -> Attributes:
        """{mode, uid, gid, mtime_ns, xattrs: {name: base64}} of a file; xattrs hold SELinux label and ACLs."""
        try:
            found = os.lstat(self.at(name))
        except OSError as error:
            raise failure(error, name, "looked at") from None
        return {"mode": found.st_mode & 0o7777, "uid": found.st_uid, "gid": found.st_gid, "mtime_ns": found.st_mtime_ns,
                "xattrs": {key: b64encode(value).decode("ascii") for key, value in xattrs(self.at(name)).items()}}

    def ask(self, argv: List[str], timeout: float = COMMAND_TIMEOUT) -> Answer:
        """What a command that changes nothing answers, with whatever exit code."""
        return self.run(argv, timeout, {})

    # Changing

    def change(self, argv: List[str], timeout: float = COMMAND_TIMEOUT, env: Optional[Dict[str, str]] = None) -> Answer:
        """Runs a command that changes something. Raises ChangeError with its words when it fails."""
        self.step("run " + " ".join(argv))
        answer = self.run(argv, timeout, env or {})
        if answer.code:
            said = (answer.err or answer.out).strip() or "it says nothing"
            raise ChangeError("{0} failed with exit code {1}: {2}".format(" ".join(argv), answer.code, said))
        return answer

    def run(self, argv: List[str], timeout: float, env: Dict[str, str]) -> Answer:
        """Runs a command in a plain English environment. Raises Gone where it is not installed."""
        clean = dict({"PATH": PATH, "LC_ALL": "C", "HOME": "/root"}, **env)
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                                  env=clean, timeout=timeout, check=False)
        except FileNotFoundError:
            raise Gone("{0} is not installed on this node.".format(argv[0])) from None
        except subprocess.TimeoutExpired:
            raise TimedOut("{0} did not end within {1} seconds.".format(" ".join(argv), timeout)) from None
        except OSError as error:
            raise failure(error, argv[0], "run") from None
        return Answer(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def put(self, name: str, text: str) -> None:
        """One write of a value into an existing file of /proc or /sys."""
        try:
            self.step("write " + name)
            handle = os.open(self.at(name), os.O_WRONLY | os.O_TRUNC)
            try:
                os.write(handle, text.encode("utf-8"))
            finally:
                os.close(handle)
        except OSError as error:
            raise failure(error, name, "set to {0!r}".format(text)) from None

    def append(self, name: str, content: bytes) -> None:
        """Content at the end of a file, on the disk when this returns."""
        made = not self.exists(name)
        try:
            self.step("append to " + name)
            handle = os.open(self.at(name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(handle, rest):]
                self.step("sync " + name)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise failure(error, name, "written") from None
        if made:
            self.sync(os.path.dirname(name))

    def cut(self, name: str, size: int) -> None:
        """Takes the end of a file away."""
        self.step("truncate " + name)
        os.truncate(self.at(name), size)

    def write(self, name: str, content: bytes, attributes: Attributes) -> None:
        """The whole file anew, atomically: whoever looks sees the former or the new one. See `attributes` for its shape;
        `mtime_ns` and `xattrs` may be left out."""
        temporary = self.temporary(name)
        try:
            self.sweep(name)
            self.step("create " + temporary)
            handle = os.open(self.at(temporary), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                self._fill(handle, temporary, content, attributes)
            finally:
                os.close(handle)
            self.step("rename to " + name)
            os.rename(self.at(temporary), self.at(name))
        except OSError as error:
            self.sweep(name)
            raise failure(error, name, "written") from None
        self.sync(os.path.dirname(name))

    def _fill(self, handle: int, name: str, content: bytes, attributes: Attributes) -> None:
        self.step("write " + name)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest):]
        self.step("chown " + name)
        os.fchown(handle, attributes["uid"], attributes["gid"])
        if "xattrs" in attributes:
            self._label(handle, name, attributes["xattrs"])
        self.step("chmod " + name)
        os.fchmod(handle, attributes["mode"])
        if "mtime_ns" in attributes:
            os.utime(handle, ns=(attributes["mtime_ns"], attributes["mtime_ns"]))
        self.step("sync " + name)
        os.fsync(handle)

    def _label(self, handle: int, name: str, wanted: Dict[str, str]) -> None:
        present = xattrs(handle)
        for key in sorted(set(present) - set(wanted) - {"security.selinux"}):
            self.step("remove xattr {0} of {1}".format(key, name))
            os.removexattr(handle, key)
        for key, value in wanted.items():
            if present.get(key) != b64decode(value):
                self.step("set xattr {0} of {1}".format(key, name))
                os.setxattr(handle, key, b64decode(value))

    def temporary(self, name: str) -> str:
        return os.path.join(os.path.dirname(name), TEMPORARY.format(os.path.basename(name)))

    def sweep(self, name: str) -> None:
        """Removes what a killed process may have left of writing `name`."""
        if self.exists(self.temporary(name)):
            self.remove(self.temporary(name))

    def remove(self, name: str) -> None:
        try:
            self.step("remove " + name)
            os.unlink(self.at(name))
        except FileNotFoundError:
            return
        except OSError as error:
            raise failure(error, name, "removed") from None
        self.sync(os.path.dirname(name))

    def link(self, name: str, target: str) -> None:
        """A symbolic link, replacing what is there."""
        self.remove(name)
        self.make_folder(os.path.dirname(name))
        try:
            self.step("link " + name)
            os.symlink(target, self.at(name))
        except OSError as error:
            raise failure(error, name, "made a link") from None
        self.sync(os.path.dirname(name))

    def make_folder(self, name: str, mode: int = 0o755) -> None:
        """A folder, if it is not there; its parent must be."""
        if os.path.isdir(self.at(name)):
            return
        try:
            self.step("make folder " + name)
            os.mkdir(self.at(name), mode)
            os.chmod(self.at(name), mode)  # whatever the umask
        except OSError as error:
            raise failure(error, name, "made") from None
        self.sync(os.path.dirname(name))

    def remove_folder(self, name: str) -> bool:
        """Whether the folder is gone: False where there is something in it."""
        try:
            self.step("remove folder " + name)
            os.rmdir(self.at(name))
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return False
            raise failure(error, name, "removed") from None
        self.sync(os.path.dirname(name))
        return True

    def sync(self, folder: str) -> None:
        """The folder's entries, on the disk."""
        try:
            handle = os.open(self.at(folder), os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return
        try:
            os.fsync(handle)
        except OSError:
            pass  # some file systems have no sync of folders
        finally:
            os.close(handle)

    # Devices

    def mtu(self, device: str) -> int:
        return devices.mtu(device)

    def set_mtu(self, device: str, number: int) -> None:
        self.step("set the MTU of " + device)
        devices.set_mtu(device, number)

    def channels(self, device: str) -> Dict[str, int]:
        return devices.channels(device)

    def set_channels(self, device: str, counts: Dict[str, int]) -> None:
        self.step("set the queues of " + device)
        devices.set_channels(device, counts)

    # The machine

    def boot_id(self) -> str:
        return self.read_text("/proc/sys/kernel/random/boot_id").strip()

    def systemd_runs(self) -> bool:
        return os.path.isdir(self.at("/run/systemd/system"))


def xattrs(where: Any) -> Dict[str, bytes]:
    """Extended attributes of a path (not followed) or an open file; {} where the file system has none."""
    follow = {} if isinstance(where, int) else {"follow_symlinks": False}
    try:
        return {key: os.getxattr(where, key, **follow) for key in os.listxattr(where, **follow)}
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENOSYS, errno.ENODATA):
            return {}
        raise
