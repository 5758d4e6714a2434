# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: verdicts and ops for one host, on the controller."""
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, host_plan
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import arguments, failing_with_a_sentence

SPEC = {
    "facts": {"type": "dict", "required": True},
    "tunings": {"type": "dict", "required": True},
}


class ActionModule(ActionBase):
    """Documented in plugins/modules/host_judge.py."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The verdicts, and what brings the host in line."""
        result = super().run(tmp, task_vars)
        given = arguments(self, SPEC)
        with failing_with_a_sentence():
            chosen = policy.parse(given["tunings"], catalogue=catalog.hosts())
        host = Host(str((task_vars or {}).get("inventory_hostname") or "host"), given["facts"], policy=chosen)
        verdicts = host_judge.judge([host], chosen)
        made = host_plan.plan([host], verdicts, chosen)
        step = made["hosts"].get(host.name) or {"ops": [], "risk": "none"}
        own = [{"tuning": verdict["tuning"], "title": verdict["title"], **verdict["hosts"][host.name]} for verdict in verdicts]
        return {**result, "changed": False, "verdicts": own, "ops": step["ops"], "risk": step["risk"], "outcome": made["outcome"],
                "why": host_plan.refusal(made)}
