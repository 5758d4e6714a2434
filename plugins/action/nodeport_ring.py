# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what clients of a probe are to ask, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.document import document
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.ring import further, targets
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep

SPEC = {
    "workload": {"type": "dict", "required": True},
    "answers": {"type": "list", "elements": "dict"},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/nodeport_ring.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The targets."""
        first = given["answers"] is None
        found = targets(given["workload"]) if first else further(
            given["workload"], document(given["workload"], given["answers"]))
        return {"targets": found}
