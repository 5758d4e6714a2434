# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: ordered steps from verdicts, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import groups, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.host_steps import Hosts
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.plan import plan
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep, fail

SPEC = {
    "facts": {"type": "dict", "required": True},
    "verdicts": {"type": "list", "elements": "dict", "required": True},
    "tunings": {"type": "raw"},
    "profile": {"type": "str"},
    "groups": {"type": "raw"},
    "acknowledge": {"type": "list", "elements": "str", "default": []},
    "batch": {"type": "int", "default": 1},
    "canary": {"type": "int", "default": 0},
    "owner_apply": {"type": "bool", "default": False},
    "host_verdicts": {"type": "list", "elements": "dict", "default": []},
    "serial": {"type": "int", "default": 1},
    "reboot": {"type": "bool", "default": False},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/plan.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The plan."""
        if given["batch"] < 1:
            fail(f"batch is {given['batch']}: at least one agent must be restarted at a time.")
        if given["canary"] < 0:
            fail(f"canary is {given['canary']}: it is the number of nodes that go first, or 0.")
        if given["serial"] < 1:
            fail(f"serial is {given['serial']}: at least one host must be changed at a time.")
        chosen = groups.lay_over(policy.parse(given["tunings"], profile=given["profile"]), given["groups"])
        groups.check(chosen, given["facts"])
        accepted = policy.acknowledged(given["acknowledge"])
        made = plan(given["facts"], given["verdicts"], chosen, accepted, given["batch"], canary=given["canary"],
                    owner_apply=given["owner_apply"],
                    hosts=Hosts(given["host_verdicts"], given["serial"], given["reboot"]))
        return {"plan": made}
