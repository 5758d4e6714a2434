# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Op `qdisc`: the queueing discipline of a device, one for each queue where it has several. State: {disciplines: [..]}.

Only what can be made again is replaced: the kernel's own choice (handle 0:), or a discipline of OPTIONS without classes.
Going back to the kernel's own choice takes what net.core.default_qdisc says at that time, so an op that changes this
value has to come after those of kind qdisc (undo goes backwards).
"""
from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Garbled, Gone, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State, device_name

# Options that tc both prints and takes, by discipline; those with True are flags. Times are in microseconds.
OPTIONS: Dict[str, Dict[str, str]] = {
    "pfifo": {"limit": "number"}, "bfifo": {"limit": "number"}, "pfifo_fast": {}, "noqueue": {}, "mq": {},
    "fq": {"limit": "number", "flow_limit": "number", "buckets": "number", "orphan_mask": "number", "quantum": "number",
           "initial_quantum": "number", "low_rate_threshold": "rate", "refill_delay": "time", "timer_slack": "nanoseconds",
           "horizon": "time", "ce_threshold": "time"},
    "fq_codel": {"limit": "number", "flows": "number", "quantum": "number", "target": "time", "interval": "time",
                 "memory_limit": "number", "ecn": "flag", "drop_batch": "number"},
}
UNITS = {"number": "", "time": "us", "nanoseconds": "ns", "rate": "bit"}
NO_DEVICE = ("Cannot find device", "does not exist")


class Qdisc(Op):
    kind = "qdisc"
    FIELDS = {"device": str, "discipline": ("fq", "fq_codel", "noqueue", "pfifo", "pfifo_fast")}
    REQUIRED = ("device", "discipline")

    def check(self) -> None:
        device_name(self.spec["device"])

    @property
    def device(self) -> str:
        return str(self.spec["device"])

    @property
    def key(self) -> str:
        return "qdisc " + self.device

    def read(self) -> State:
        found = [comparable(one) for one in self._shown_by_tc() if one.get("kind") not in ("clsact", "ingress")]
        return {"disciplines": sorted(found, key=lambda one: (not one["root"], queue_number(one["parent"])))}

    def _shown_by_tc(self) -> List[Dict[str, Any]]:
        answer = self.node.ask(["tc", "-json", "qdisc", "show", "dev", self.device])
        if answer.code and any(words in answer.err for words in NO_DEVICE):
            raise Gone("There is no device {0} on this node.".format(self.device))
        if answer.code:
            raise ChangeError("tc cannot show the disciplines of {0}: {1}".format(self.device, answer.err))
        try:
            found = json.loads(answer.out or "[]")
            return [one for one in found if isinstance(one, dict)]
        except (ValueError, TypeError):
            raise Garbled("tc's answer about {0} is no JSON: {1}".format(self.device, answer.out[:80])) from None

    def _leaves(self, state: State) -> List[Dict[str, Any]]:
        """The disciplines that queue packets: those of an mq's queues, or the root itself."""
        roots = [one for one in state["disciplines"] if one["root"]]
        return [one for one in state["disciplines"] if not one["root"]] if roots and roots[0]["kind"] == "mq" else roots

    def holds(self, state: State) -> bool:
        leaves = self._leaves(state)
        return bool(leaves) and all(one["kind"] == self.spec["discipline"] for one in leaves)

    def apply(self, former: State) -> None:
        self._check_undo(former)
        # A bond, a VLAN or a bridge queues nothing by itself, however many queues it shows.
        if self._queues() < 2 or self.spec["discipline"] == "noqueue":
            self._tc("replace", "root", self.spec["discipline"])
            return
        self._tc("replace", "root", "handle", "1:", "mq")
        for queue in range(1, self._queues() + 1):
            self._tc("replace", "parent", "1:{0:x}".format(queue), self.spec["discipline"])

    def _check_undo(self, former: State) -> None:
        for one in former["disciplines"]:
            if one["handle"] != "0:" and one["kind"] not in OPTIONS:
                raise Refused("{0} has the queueing discipline {1}, which somebody configured and which could not be made "
                              "again: it is left alone.".format(self.device, one["kind"]))

    def _queues(self) -> int:
        folder = self.node.at("/sys/class/net/{0}/queues".format(self.device))
        return sum(name.startswith("tx-") for name in os.listdir(folder)) if os.path.isdir(folder) else 1

    def _tc(self, verb: str, *words: str) -> None:
        self.node.change(["tc", "qdisc", verb, "dev", self.device, *words])

    def restore(self, former: State) -> None:
        root = next((one for one in former["disciplines"] if one["root"]), None)
        present = self.read()
        if any(one["root"] and one["handle"] != "0:" for one in present["disciplines"]):
            self._tc("del", "root")
        if root is None or self.same(self.read(), former):
            return
        handle = root["handle"] if root["handle"] != "0:" else "1:"
        self._tc("replace", "root", "handle", handle, *written(root))
        for one in former["disciplines"]:
            if not one["root"]:
                parent = handle + one["parent"].rpartition(":")[2]
                own = ["handle", one["handle"]] if one["handle"] != "0:" else []
                self._tc("replace", "parent", parent, *own, *written(one))

    def same(self, one: State, other: State) -> bool:
        """Handles aside, but the kernel's own choice is not the same as one that was put there by name."""
        return self.near(one, other) and own_choices(one) == own_choices(other)

    def near(self, state: State, former: State) -> bool:
        """Where the kernel's own choice is another one by now, the former one is put there by name."""
        return [bare(found) for found in state["disciplines"]] == [bare(found) for found in former["disciplines"]]

    def shown(self, state: Optional[State]) -> Any:
        if state is None:
            return None
        return ", ".join(sorted({one["kind"] for one in self._leaves(state)})) or "none"

    def wanted(self, former: State) -> State:
        leaves = self._leaves(former) or [{"kind": "", "handle": "", "parent": "", "root": True, "options": {}}]
        return {"disciplines": [dict(one, kind=self.spec["discipline"]) for one in leaves]}


def comparable(one: Dict[str, Any]) -> Dict[str, Any]:
    """What tc says of a discipline, without its counters."""
    return {"kind": str(one.get("kind", "")), "handle": str(one.get("handle", "")), "parent": str(one.get("parent", "")),
            "root": bool(one.get("root")), "options": one.get("options") or {}}


def bare(one: Dict[str, Any]) -> List[Any]:
    return [one["kind"], one["root"], queue_number(one["parent"]), one["options"]]


def own_choices(state: State) -> List[bool]:
    return [one["handle"] == "0:" for one in state["disciplines"]]


def queue_number(parent: str) -> int:
    """Which queue of an mq: the minor number of its parent class, which is hexadecimal."""
    try:
        return int(parent.rpartition(":")[2] or "0", 16)
    except ValueError:
        return 0


def written(one: Dict[str, Any]) -> List[str]:
    """A discipline as arguments of tc."""
    found = [one["kind"]]
    for name, unit in OPTIONS.get(one["kind"], {}).items():
        value = one["options"].get(name)
        if unit == "flag" and value is not None:
            found.append(name if value else "no" + name)
        elif isinstance(value, int) and unit in UNITS:
            found += [name, "{0}{1}".format(value, UNITS[unit])]
    return found
