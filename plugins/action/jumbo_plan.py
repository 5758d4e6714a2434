# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what each host of a play does for jumbo frames, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import jumbo
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep, fail

SPEC = {
    "facts": {"type": "dict", "required": True},
    "size": {"type": "int", "required": True},
    "segment": {"type": "str"},
    "by_hand": {"type": "bool", "default": False},
}
LEAST, MOST = 1501, 9216


class ActionModule(ControllerStep):
    """Documented in plugins/modules/jumbo_plan.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The segment and the ops of each host."""
        if not LEAST <= given["size"] <= MOST:
            fail(f"size must be from {LEAST} to {MOST}.")
        hosts = [Host(name, facts) for name, facts in sorted(given["facts"].items(), key=lambda item: read.natural(item[0]))]
        return jumbo.plan(hosts, given["segment"], given["size"], given["by_hand"])
