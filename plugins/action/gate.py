# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: fails unless the next step may be taken, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.gate import gate
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.plan import refusal, stale
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep, fail

SPEC = {
    "plan": {"type": "dict"},
    "facts": {"type": "dict"},
    "before": {"type": "dict"},
    "after": {"type": "dict"},
    "step": {"type": "dict"},
    "rolled": {"type": "dict"},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/gate.py."""

    spec = SPEC
    rules = dict(required_one_of=[("plan", "before")], required_together=[("before", "after")],
                 required_by={"facts": "plan", "step": "before", "rolled": "before"})

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing but that the gate is open."""
        failures = _failures(given)
        if failures:
            fail(" ".join(failures), failures=failures)
        return {"failures": []}


def _failures(given: dict[str, Any]) -> list[str]:
    found = []
    if given["plan"] is not None:
        found = [refusal(given["plan"])]
        if given["facts"] is not None:
            found.append(stale(given["plan"], given["facts"]))
    if given["before"] is not None:
        found += gate(given["before"], given["after"], given["step"], given["rolled"])
    return [sentence for sentence in found if sentence]
