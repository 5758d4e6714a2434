# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ops `link` (MTU of a device; state: {mtu}) and `queues` (its queue counts; state: {counts, steering}).

Both can cut the node off: a switch may not carry larger packets, and drivers take the link down to make queues again.
"""
from __future__ import annotations

import os
from typing import Any, Dict, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State, device_name

LEAST_MTU, MOST_MTU = 1280, 65535  # below 1280 the kernel takes IPv6 away from the device, with all its addresses
COUNTS = ("rx", "tx", "combined")
STEERING = ("rps_cpus", "rps_flow_cnt", "xps_cpus", "xps_rxqs")


class Link(Op):
    kind = "link"
    cuts_off = True
    FIELDS = {"device": str, "mtu": int}
    REQUIRED = ("device", "mtu")

    def check(self) -> None:
        device_name(self.spec["device"])
        if not LEAST_MTU <= self.spec["mtu"] <= MOST_MTU:
            raise Refused("mtu must be from {0} to {1}.".format(LEAST_MTU, MOST_MTU))

    @property
    def key(self) -> str:
        return "link " + str(self.spec["device"])

    def read(self) -> State:
        return {"mtu": self.node.mtu(self.spec["device"])}

    def holds(self, state: State) -> bool:
        return bool(state["mtu"] == self.spec["mtu"])

    def apply(self, former: State) -> None:
        self.node.set_mtu(self.spec["device"], self.spec["mtu"])

    def restore(self, former: State) -> None:
        self.node.set_mtu(self.spec["device"], former["mtu"])

    def shown(self, state: Optional[State]) -> Any:
        return None if state is None else state["mtu"]

    def wanted(self, _former: State) -> State:
        return {"mtu": self.spec["mtu"]}


class Queues(Op):
    kind = "queues"
    cuts_off = True
    FIELDS = {"device": str, "rx": int, "tx": int, "combined": int}
    REQUIRED = ("device",)

    def check(self) -> None:
        device_name(self.spec["device"])
        if not self._asked() or min(self._asked().values()) < 0:
            raise Refused("queues needs rx, tx or combined, none of them below 0.")

    @property
    def device(self) -> str:
        return str(self.spec["device"])

    @property
    def key(self) -> str:
        return "queues " + self.device

    def _asked(self) -> Dict[str, int]:
        return {name: self.spec[name] for name in COUNTS if self.spec.get(name) is not None}

    def read(self) -> State:
        counts = self.node.channels(self.device)
        for name, asked in self._asked().items():
            if asked > counts["max_" + name]:
                raise Refused("{0} has at most {1} {2} queues, {3} are asked for.".format(
                    self.device, counts["max_" + name], name, asked))
        return {"counts": counts, "steering": self._steering()}

    def _steering(self) -> Dict[str, str]:
        """What packet steering says of each queue: drivers forget it with the queues they take away."""
        top = "/sys/class/net/{0}/queues".format(self.device)
        found = {}
        for queue in sorted(os.listdir(self.node.at(top))) if self.node.exists(top) else []:
            for name in STEERING:
                text = self._value("{0}/{1}/{2}".format(top, queue, name))
                if text is not None:
                    found["{0}/{1}/{2}".format(top, queue, name)] = text
        return found

    def _value(self, path: str) -> Optional[str]:
        """A value's text; None where this kind of queue does not have it."""
        try:
            return self.node.read_text(path).strip()
        except ChangeError:  # xps_cpus of a device with one queue answers ENOENT: there is nothing to steer
            return None

    def holds(self, state: State) -> bool:
        return all(state["counts"][name] == asked for name, asked in self._asked().items())

    def apply(self, former: State) -> None:
        self.node.set_channels(self.device, dict(former["counts"], **self._asked()))

    def restore(self, former: State) -> None:
        if self.node.channels(self.device) != former["counts"]:
            self.node.set_channels(self.device, former["counts"])
        present = self._steering()
        for path, text in former["steering"].items():
            if present.get(path) not in (None, text):
                self.node.put(path, text)

    def same(self, one: State, other: State) -> bool:
        """Counts only: the steering belongs to ops of its own."""
        return bool(one["counts"] == other["counts"])

    def shown(self, state: Optional[State]) -> Any:
        return None if state is None else {name: state["counts"][name] for name in COUNTS}

    def wanted(self, former: State) -> State:
        return {"counts": dict(former["counts"], **self._asked()), "steering": {}}
