# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: verdicts and ops for one host, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, host_plan
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep

SPEC = {
    "facts": {"type": "dict", "required": True},
    "tunings": {"type": "dict", "required": True},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/host_judge.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The verdicts, and what brings the host in line."""
        chosen = policy.parse(given["tunings"], catalogue=catalog.hosts())
        host = Host(str(task_vars.get("inventory_hostname") or "host"), given["facts"], policy=chosen)
        verdicts = host_judge.judge([host], chosen)
        made = host_plan.plan([host], verdicts, chosen)
        step = made["hosts"].get(host.name) or {"ops": [], "risk": "none"}
        own = [{"tuning": verdict["tuning"], "title": verdict["title"], **verdict["hosts"][host.name]} for verdict in verdicts]
        return {"verdicts": own, "ops": step["ops"], "risk": step["risk"], "outcome": made["outcome"],
                "why": host_plan.refusal(made)}
