# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Op `file`: a file with this content, or none. State: {exists, content: base64, mode, uid, gid, mtime_ns, xattrs} or
{exists: false, missing: [folders that are not there either, outermost first]}."""
from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import CONTENT_XATTRS
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State, absolute

NOT_FILES = ("/proc", "/sys", "/dev", "/run", "/var/lib/fastpath-cilium")
UNIT_FOLDERS = ("/etc/systemd/system/", "/usr/local/lib/systemd/system/", "/usr/lib/systemd/system/", "/lib/systemd/system/")
HIDDEN = "(hidden: only its owner may read this file)"


class File(Op):
    kind = "file"
    runtime = False
    FIELDS = {"path": str, "content": str, "mode": str, "owner": str, "group": str, "state": ("present", "absent")}
    REQUIRED = ("path",)

    def check(self) -> None:
        absolute(self.path)
        if any(self.path == top or self.path.startswith(top + "/") for top in NOT_FILES):
            raise Refused("{0} is not a place for files of settings; a value of the kernel is an op of kind value."
                          .format(self.path))
        if self.present_wanted and self.spec.get("content") is None:
            raise Refused("content is missing.")
        if not re.match(r"0?[0-7]{3}\Z", self.get("mode", "0644")):
            raise Refused("mode must be three octal digits, such as \"0644\".")
        self._attributes({})

    @property
    def path(self) -> str:
        return str(self.spec["path"])

    @property
    def present_wanted(self) -> bool:
        return bool(self.get("state", "present") == "present")

    @property
    def key(self) -> str:
        return "file " + self.path

    def read(self) -> State:
        if not self.node.exists(self.path):
            return {"exists": False, "missing": self._missing_folders()}
        self._check_regular()
        return dict(self.node.attributes(self.path), exists=True,
                    content=b64encode(self.node.read(self.path)).decode("ascii"))

    def _check_regular(self) -> None:
        mode = os.lstat(self.node.at(self.path)).st_mode
        if stat.S_ISLNK(mode):
            raise Refused("{0} is a symbolic link: name the file it leads to.".format(self.path))
        if not stat.S_ISREG(mode):
            raise Refused("{0} is not a regular file.".format(self.path))

    def _missing_folders(self) -> List[str]:
        missing: List[str] = []
        folder = os.path.dirname(self.path)
        while folder != "/" and not self.node.exists(folder):
            missing.insert(0, folder)
            folder = os.path.dirname(folder)
        return missing

    def holds(self, state: State) -> bool:
        if not self.present_wanted:
            return not state["exists"]
        return bool(state["exists"] and b64decode(state["content"]) == self._content()
                    and all(state[name] == value for name, value in self._attributes(state).items()))

    def _content(self) -> bytes:
        return str(self.spec["content"]).encode("utf-8")

    def _attributes(self, former: State) -> State:
        """Mode and owner: those asked for, else the former ones, else those of a file of settings."""
        mode = self.spec.get("mode")
        return {"mode": int(mode, 8) if mode else former.get("mode", 0o644),
                "uid": number_of(self.spec.get("owner"), former.get("uid", 0), user_number),
                "gid": number_of(self.spec.get("group"), former.get("gid", 0), group_number)}

    def apply(self, former: State) -> None:
        if not self.present_wanted:
            self.node.remove(self.path)
        else:
            for folder in former.get("missing", []):
                self.node.make_folder(folder)
            attributes = self._attributes(former)
            if former["exists"]:
                attributes["xattrs"] = {
                    name: value for name, value in former["xattrs"].items() if name not in CONTENT_XATTRS}
            self.node.write(self.path, self._content(), attributes)
        self.settle(former)

    def settle(self, former: State) -> None:
        """Where SELinux is at work a new file gets the label its place has by policy."""
        if self.present_wanted and not former["exists"] and self.node.exists("/sys/fs/selinux/enforce"):
            self.node.change(["restorecon", self.path])
        self._tell_systemd()

    def settle_back(self) -> None:
        self._tell_systemd()

    def _tell_systemd(self) -> None:
        if self.path.startswith(UNIT_FOLDERS) and self.node.systemd_runs():
            self.node.change(["systemctl", "daemon-reload"])

    def restore(self, former: State) -> None:
        if former["exists"]:
            self.node.write(self.path, b64decode(former["content"]), former)
        else:
            self.node.remove(self.path)
            for folder in reversed(former["missing"]):
                if not self.node.remove_folder(folder):
                    break  # somebody else put something there: theirs is kept
        self._tell_systemd()

    def same(self, one: State, other: State) -> bool:
        if one["exists"] or other["exists"]:
            return comparable(one) == comparable(other)
        return all(self._in_use(folder) for folder in set(other["missing"]) - set(one["missing"]))

    def _in_use(self, folder: str) -> bool:
        """Whether the folder stays, because somebody else has put something there."""
        return os.path.isdir(self.node.at(folder)) and bool(os.listdir(self.node.at(folder)))

    def sweep(self) -> None:
        if os.path.isdir(self.node.at(os.path.dirname(self.path))):
            self.node.sweep(self.path)

    def shown(self, state: Optional[State]) -> Any:
        if state is None or not state["exists"]:
            return "absent"
        content = b64decode(state["content"])
        return {"sha256": sha256(content).hexdigest(), "size": len(content), "mode": "{0:04o}".format(state["mode"]),
                "uid": state["uid"], "gid": state["gid"]}

    def wanted(self, former: State) -> State:
        if not self.present_wanted:
            return {"exists": False, "missing": []}
        return dict(self._attributes(former), exists=True, content=b64encode(self._content()).decode("ascii"))

    def text(self, state: Optional[State]) -> str:
        if state is None or not state["exists"]:
            return ""
        if is_private("{0:o}".format(state["mode"])):
            return "{0} {1}\n".format(HIDDEN, sha256(b64decode(state["content"])).hexdigest())
        return b64decode(state["content"]).decode("utf-8", "replace")


def is_private(mode: str) -> bool:
    """Whether neither group nor others may read a file of this octal mode."""
    digits = mode[-3:].rjust(3, "0")
    return digits.isdigit() and not (int(digits[1], 10) & 4 or int(digits[2], 10) & 4)


def comparable(state: State) -> State:
    """A state without its time."""
    return {name: value for name, value in state.items() if name != "mtime_ns"}


def user_number(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


def group_number(name: str) -> int:
    return grp.getgrnam(name).gr_gid


def number_of(name: Optional[str], default: int, find: Any) -> int:
    """A user's or group's number, by name or as digits. Raises Refused."""
    if name is None:
        return default
    if name.isdigit():
        return int(name)
    try:
        return int(find(name))
    except KeyError:
        raise Refused("There is no user or group {0!r} on this node.".format(name[:40])) from None
