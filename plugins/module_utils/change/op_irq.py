# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Op `irq_affinity`: the CPUs that may take an interrupt. State: {cpus, name: what uses it}."""
from __future__ import annotations

import os
from typing import Any, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Garbled, Gone, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State, cpu_list, mask_text


class IrqAffinity(Op):
    kind = "irq_affinity"
    FIELDS = {"irq": int, "cpus": [int], "name": str}
    REQUIRED = ("irq", "cpus")

    def check(self) -> None:
        if not self.spec["cpus"] or min(self.spec["cpus"]) < 0 or max(self.spec["cpus"]) > 65535:
            raise Refused("cpus must name at least one CPU.")

    @property
    def key(self) -> str:
        return "irq_affinity {0}".format(self.spec["irq"])

    @property
    def folder(self) -> str:
        return "/proc/irq/{0}".format(self.spec["irq"])

    def read(self) -> State:
        try:
            cpus = cpu_list(self.node.read_text(self.folder + "/smp_affinity_list"))
        except ValueError:
            raise Garbled("The affinity of interrupt {0} is no list of CPUs.".format(self.spec["irq"])) from None
        found = self._name()
        if self.spec.get("name") not in (None, found):
            # Numbers are given anew at boot and when a driver makes its queues again.
            raise Gone("Interrupt {0} is {1} now and not {2}.".format(
                self.spec["irq"], found or "unnamed", self.spec["name"]))
        return {"cpus": cpus, "name": found}

    def _name(self) -> str:
        """Names of its users: the folders beside its files."""
        folder = self.node.at(self.folder)
        return ",".join(sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name))))

    def holds(self, state: State) -> bool:
        return bool(state["cpus"] == sorted(set(self.spec["cpus"])))

    def apply(self, former: State) -> None:
        self._set(self.spec["cpus"])

    def restore(self, former: State) -> None:
        if self._name() != former["name"]:
            raise Gone("Interrupt {0} belongs to {1} now.".format(self.spec["irq"], self._name() or "nothing"))
        self._set(former["cpus"])

    def _set(self, cpus: Any) -> None:
        try:
            self.node.put(self.folder + "/smp_affinity", mask_text(cpus))
        except ChangeError as error:
            raise type(error)("{0} Interrupts that the kernel itself spreads over the CPUs, and CPUs that are offline, "
                              "cannot be set.".format(error.message)) from None

    def shown(self, state: Optional[State]) -> Any:
        return None if state is None else state["cpus"]

    def wanted(self, former: State) -> State:
        return dict(former, cpus=sorted(set(self.spec["cpus"])))
