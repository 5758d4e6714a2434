# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Op `unit`: a systemd unit, enabled, disabled or masked, running or stopped.

State: {load, enabled: what systemd calls it, active: bool, links: {path: target}, names: [..]}. The links are what
enabling and masking are made of; going back puts exactly the former ones there, also those that no command would make.
"""
from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State

NAME = re.compile(r"[A-Za-z0-9:_.@\\-]{1,200}\.(service|socket|timer|path|target|mount)\Z")
LINK_FOLDERS = ("/etc/systemd/system", "/run/systemd/system")
LINKED_BY = (".wants", ".requires", ".upholds")
RUNNING = ("active", "reloading", "activating", "refreshing")
PROPERTIES = "LoadState,UnitFileState,ActiveState,Names,FragmentPath"
# Without this, Debian's systemctl also renames links in /etc/rc*.d, which no later command puts back as they were.
NO_SYSV = {"SYSTEMCTL_SKIP_SYSV": "1"}


class Unit(Op):
    kind = "unit"
    runtime = False
    FIELDS = {"name": str, "enabled": ("enabled", "disabled", "masked"), "active": bool}
    REQUIRED = ("name",)

    def check(self) -> None:
        if not NAME.match(self.name):
            raise Refused("{0!r} is no full name of a systemd unit, such as irqbalance.service.".format(self.name[:80]))
        if self.spec.get("enabled") is None and self.spec.get("active") is None:
            raise Refused("unit needs enabled or active.")

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def key(self) -> str:
        return "unit " + self.name

    def read(self) -> State:
        return self._read([])

    def _read(self, more: List[str]) -> State:
        if not self.node.systemd_runs():
            raise Refused("systemd does not run on this node: the unit {0} cannot be changed.".format(self.name))
        answer = self.node.ask(["systemctl", "show", "--property=" + PROPERTIES, "--", self.name])
        if answer.code:
            raise ChangeError("systemctl cannot show {0}: {1}".format(self.name, answer.err or answer.out))
        found = dict(line.partition("=")[::2] for line in answer.out.splitlines())
        names = sorted({self.name, *found.get("Names", "").split(), *self._also(found.get("FragmentPath", "")), *more})
        return {"load": found.get("LoadState", ""), "enabled": found.get("UnitFileState", ""),
                "active": found.get("ActiveState") in RUNNING, "names": names, "links": dict(self._links(names))}

    def _also(self, fragment: str) -> List[str]:
        """Units that are enabled and disabled along with this one."""
        if not fragment or fragment == "/dev/null" or not self.node.exists(fragment):
            return []
        found = re.findall(r"^\s*Also\s*=(.*)$", self.node.read_text(fragment), re.MULTILINE)
        return [name for line in found for name in line.split()]

    def _links(self, names: List[str]) -> Iterator[Tuple[str, str]]:
        for top in LINK_FOLDERS:
            for folder in [top, *self._folders(top)]:
                for name in self._listed(folder):
                    path = folder + "/" + name
                    if os.path.islink(self.node.at(path)):
                        target = os.readlink(self.node.at(path))
                        if name in names or os.path.basename(target) in names:
                            yield path, target

    def _folders(self, top: str) -> List[str]:
        return [top + "/" + name for name in self._listed(top) if name.endswith(LINKED_BY)]

    def _listed(self, folder: str) -> List[str]:
        found = self.node.at(folder)
        return sorted(os.listdir(found)) if os.path.isdir(found) and not os.path.islink(found) else []

    def holds(self, state: State) -> bool:
        enabled = self.spec.get("enabled")
        fine = enabled in (None, state["enabled"]) or (enabled == "disabled" and state["enabled"] in ("masked", ""))
        return bool(fine and self.spec.get("active") in (None, state["active"]))

    def apply(self, former: State) -> None:
        if self.spec.get("active") is False:
            self._systemctl("stop")
        enabled = self.spec.get("enabled")
        if enabled in ("enabled", "disabled") and former["enabled"].startswith("masked"):
            self._systemctl("unmask")
        if enabled:
            self._systemctl({"enabled": "enable", "disabled": "disable", "masked": "mask"}[enabled])
        if self.spec.get("active"):
            self._systemctl("start")

    def _systemctl(self, verb: str) -> None:
        self.node.change(["systemctl", "--no-ask-password", verb, "--", self.name], env=NO_SYSV)

    def restore(self, former: State) -> None:
        present = self._read(former["names"])
        if present["active"] and not former["active"]:
            self._systemctl("stop")
        self._put_links(present["links"], former["links"])
        # Also where the links were there already: a kill may have come between them and this.
        self.node.change(["systemctl", "daemon-reload"])
        if former["active"] and not present["active"]:
            self._systemctl("start")

    def _put_links(self, present: Dict[str, str], former: Dict[str, str]) -> None:
        for path in set(present) - set(former):
            self.node.remove(path)
            if path.rpartition("/")[0].endswith(LINKED_BY):
                self._drop_empty(path.rpartition("/")[0])
        for path, target in former.items():
            if present.get(path) != target:
                self.node.link(path, target)

    def _drop_empty(self, folder: str) -> None:
        if not self._listed(folder):
            self.node.remove_folder(folder)

    def same(self, one: State, other: State) -> bool:
        return all(one[name] == other[name] for name in ("enabled", "active", "links"))

    def edited(self, present: State, ours: State) -> bool:
        """A unit that has stopped or was started by something else is nobody's edit."""
        return any(present[name] != ours[name] for name in ("enabled", "links"))

    def shown(self, state: Optional[State]) -> Any:
        return None if state is None else {"enabled": state["enabled"] or "no such unit", "active": state["active"]}

    def wanted(self, former: State) -> State:
        return dict(former, enabled=self.get("enabled", former["enabled"]), active=self.get("active", former["active"]))
