# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what takes one step of a recorded run back, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.undo import baseline, other_cluster, refusal, way_back
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep, fail

SPEC = {
    "record": {"type": "dict", "required": True},
    "entry": {"type": "dict"},
    "facts": {"type": "dict", "required": True},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/undo.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The way back."""
        run_id = str((given["record"].get("run") or {}).get("id"))
        if given["entry"] is None:
            return _of_hosts(run_id, given["record"], given["facts"])
        reason = refusal(run_id, given["record"], given["entry"], given["facts"])
        if reason:
            fail(reason)
        return way_back(run_id, given["record"], given["entry"], given["facts"])


def _of_hosts(run_id: str, record: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """What the gate after hosts are taken back compares with."""
    was, now = View(record.get("facts")), View(facts)
    reason = other_cluster(run_id, was, now)
    if reason:
        fail(reason)
    return {"before": baseline(was, now)}
