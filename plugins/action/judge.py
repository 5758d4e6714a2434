# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: verdicts from facts and policy, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import groups, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, members
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.judge import judge
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep

SPEC = {
    "facts": {"type": "dict", "required": True},
    "tunings": {"type": "raw"},
    "profile": {"type": "str"},
    "groups": {"type": "raw"},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/judge.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The verdicts, and those of the hosts."""
        chosen = groups.lay_over(policy.parse(given["tunings"], profile=given["profile"]), given["groups"])
        groups.check(chosen, given["facts"])
        of_hosts = host_judge.judge(members.of(View(given["facts"]), chosen), chosen)
        return {"verdicts": judge(given["facts"], chosen), "host_verdicts": of_hosts}
