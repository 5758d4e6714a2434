# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Op `tuned_profile`: tuned's active profile, set by tuned itself, which undoes the former one on its way.

State: {running, active: the profile at work or "", files: {path: state of a file op}, boot: see tuned_boot}.
"""
from __future__ import annotations

import re
from base64 import b64decode
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change import tuned_boot
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_file import File

FILES = ("/etc/tuned/active_profile", "/etc/tuned/profile_mode", "/etc/tuned/post_loaded_profile")
ACTIVE = re.compile(r"^Current active profile:\s*(.*)$", re.MULTILINE)
NOT_RUNNING = ("not running", "Cannot talk to")
NAME = re.compile(r"[A-Za-z0-9_.-]+( [A-Za-z0-9_.-]+)*\Z")


class TunedProfile(Op):
    kind = "tuned_profile"
    runtime = False
    FIELDS = {"profile": str}
    REQUIRED = ("profile",)

    def check(self) -> None:
        if not NAME.match(self.spec["profile"]) or self.spec["profile"].startswith("-"):
            raise Refused("{0!r} is no name of a tuned profile.".format(self.spec["profile"][:80]))

    @property
    def key(self) -> str:
        return "tuned_profile"

    def read(self) -> State:
        answer = self.node.ask(["tuned-adm", "active"])
        said = answer.out + answer.err
        found = ACTIVE.search(answer.out)
        running = not any(words in said for words in NOT_RUNNING)
        # Without its daemon tuned-adm names the profile of its file, which is not at work.
        return {"running": running, "active": found.group(1).strip() if found and running else "",
                "files": {path: file.read() for path, file in self._files().items()},
                "boot": tuned_boot.read(self.node)}

    def _files(self) -> Dict[str, File]:
        return {path: File({"kind": "file", "path": path, "state": "absent"}, self.node) for path in FILES}

    def holds(self, state: State) -> bool:
        return bool(state["active"] == self.spec["profile"])

    def apply(self, former: State) -> None:
        if not self.read()["running"]:
            raise Refused("tuned does not run on this node: its unit has to be started first.")
        self.node.change(["tuned-adm", "profile", *self.spec["profile"].split()])

    def restore(self, former: State) -> None:
        """tuned itself takes our profile back, then its own files get their former bytes."""
        present = self.read()
        if present["active"] != former["active"] and present["running"]:
            self.node.change(self._way_back(former))
        for path, file in self._files().items():
            if not file.same(file.read(), former["files"][path]):
                file.restore(former["files"][path])
        tuned_boot.put_back(self.node, former.get("boot", {}))

    def _way_back(self, former: State) -> List[str]:
        mode = former["files"]["/etc/tuned/profile_mode"]
        if not former["active"]:
            return ["tuned-adm", "off"]
        if mode["exists"] and b64decode(mode["content"]).strip() == b"auto":
            return ["tuned-adm", "auto_profile"]
        return ["tuned-adm", "profile", *former["active"].split()]

    def same(self, one: State, other: State) -> bool:
        files = self._files()
        return bool(one["active"] == other["active"] and tuned_boot.same(one.get("boot", {}), other.get("boot", {}))
                    and all(file.same(one["files"][path], other["files"][path]) for path, file in files.items()))

    def sweep(self) -> None:
        for file in self._files().values():
            file.sweep()

    def shown(self, state: Optional[State]) -> Any:
        return None if state is None else state["active"] or "none"

    def wanted(self, former: State) -> State:
        return dict(former, active=self.spec["profile"])
