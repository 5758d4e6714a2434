# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what agents leave behind on hosts, recorded and the way back, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import disturbed, residue
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep

SPEC = {
    "facts": {"type": "dict", "required": True},
    "step": {"type": "dict"},
    "before": {"type": "list", "elements": "dict"},
    "recorded": {"type": "dict"},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/residue.py."""

    spec = SPEC
    rules = dict(required_one_of=[("step", "recorded")], mutually_exclusive=[("step", "recorded")],
                 required_by={"before": "step"})

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """What stands on the hosts, what they may have lost, or the way back to what stood there."""
        return _found(given)


def _found(given: dict[str, Any]) -> dict[str, Any]:
    facts, step = given["facts"], given["step"]
    if step is None:
        return {"ways": residue.ways_back(given["recorded"], facts)}
    if given["before"] is None:
        return {"recorded": residue.record(facts, step)}
    return {"lost": disturbed.lost(given["before"], facts, step)}
