# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what clients of a probe are to ask, on the controller."""
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.document import document
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.ring import further, targets
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import arguments

SPEC = {
    "workload": {"type": "dict", "required": True},
    "answers": {"type": "list", "elements": "dict"},
}


class ActionModule(ActionBase):
    """Documented in plugins/modules/nodeport_ring.py."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The targets."""
        result = super().run(tmp, task_vars)
        given = arguments(self, SPEC)
        first = given["answers"] is None
        found = targets(given["workload"]) if first else further(
            given["workload"], document(given["workload"], given["answers"]))
        return {**result, "changed": False, "targets": found}
