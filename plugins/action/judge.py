# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: verdicts from facts and policy, on the controller."""
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.plugin_utils import groups, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, members
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.judge import judge
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import arguments, failing_with_a_sentence

SPEC = {
    "facts": {"type": "dict", "required": True},
    "tunings": {"type": "raw"},
    "profile": {"type": "str"},
    "groups": {"type": "raw"},
}


class ActionModule(ActionBase):
    """Documented in plugins/modules/judge.py."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The verdicts, and those of the hosts."""
        result = super().run(tmp, task_vars)
        given = arguments(self, SPEC)
        with failing_with_a_sentence():
            chosen = groups.lay_over(policy.parse(given["tunings"], profile=given["profile"]), given["groups"])
            groups.check(chosen, given["facts"])
        of_hosts = host_judge.judge(members.of(View(given["facts"]), chosen), chosen)
        return {**result, "changed": False, "verdicts": judge(given["facts"], chosen), "host_verdicts": of_hosts}
