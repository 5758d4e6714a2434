# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: puts the hosts of the inventory into the facts of a cluster, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.inventory import with_hosts
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep

SPEC = {
    "facts": {"type": "dict", "required": True},
    "registered": {"type": "str"},
    "answers": {"type": "list", "elements": "dict"},
    "former": {"type": "list", "elements": "dict"},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/match_hosts.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The facts with their hosts."""
        answers = {str(answer.get("item")): answer for answer in given["answers"] or ()}
        if given["registered"]:
            answers.update(_registered(given["registered"], task_vars))
        return {"facts": with_hosts(given["facts"], answers, given["former"])}


def _registered(name: str, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """What every host of the inventory has registered under a name."""
    hostvars = task_vars.get("hostvars") or {}
    hosts = (task_vars.get("groups") or {}).get("all") or []
    return {host: hostvars[host][name] for host in hosts if name in hostvars[host]}
